create table `user` (`id` varchar(36) not null primary key, `name` varchar(255) not null, `email` varchar(255) not null unique, `emailVerified` boolean not null, `image` text, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `text` text, `textDef` text, `textReq` text not null, `num` integer, `numReq` integer not null, `big` bigint, `bool` boolean, `boolReq` boolean not null, `date` timestamp(3), `json` json, `texts` json, `nums` json, `uniq` varchar(255) unique, `uniqDef` varchar(255) unique, `idx` varchar(255), `uniqIdx` varchar(255) unique, `refId` varchar(36) references `user` (`id`) on delete cascade, `refEmail` varchar(36) references `user` (`email`) on delete cascade);

create table `session` (`id` varchar(36) not null primary key, `expiresAt` timestamp(3) not null, `token` varchar(255) not null unique, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) not null, `ipAddress` text, `userAgent` text, `userId` varchar(36) not null references `user` (`id`) on delete cascade);

create table `account` (`id` varchar(36) not null primary key, `accountId` text not null, `providerId` text not null, `userId` varchar(36) not null references `user` (`id`) on delete cascade, `accessToken` text, `refreshToken` text, `idToken` text, `accessTokenExpiresAt` timestamp(3), `refreshTokenExpiresAt` timestamp(3), `scope` text, `password` text, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) not null);

create table `verification` (`id` varchar(36) not null primary key, `identifier` varchar(255) not null, `value` text not null, `expiresAt` timestamp(3) not null, `createdAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null, `updatedAt` timestamp(3) default CURRENT_TIMESTAMP(3) not null);

create table `note` (`id` varchar(36) not null primary key, `text` text, `textDef` text, `textReq` text not null, `num` integer, `numReq` integer not null, `big` bigint, `bool` boolean, `boolReq` boolean not null, `date` timestamp(3), `json` json, `texts` json, `nums` json, `uniq` varchar(255) unique, `uniqDef` varchar(255) unique, `idx` varchar(255), `uniqIdx` varchar(255) unique, `refId` varchar(36) references `user` (`id`) on delete cascade, `refEmail` varchar(36) references `user` (`email`) on delete cascade, `reqUniq` varchar(255) not null unique, `reqIdx` varchar(255) not null, `reqRef` varchar(36) not null unique references `user` (`id`) on delete cascade);

create index `user_idx_idx` on `user` (`idx`);

create index `user_refEmail_idx` on `user` (`refEmail`);

create index `session_userId_idx` on `session` (`userId`);

create index `account_userId_idx` on `account` (`userId`);

create index `verification_identifier_idx` on `verification` (`identifier`);

create index `note_idx_idx` on `note` (`idx`);

create index `note_refEmail_idx` on `note` (`refEmail`);

create index `note_reqIdx_idx` on `note` (`reqIdx`);
