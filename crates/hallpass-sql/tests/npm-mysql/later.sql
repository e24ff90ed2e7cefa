alter table `user` add column `text` text;

alter table `user` add column `textDef` text default 'x''y';

alter table `user` add column `textReq` text default 'd' not null;

alter table `user` add column `num` integer default 7;

alter table `user` add column `numReq` integer default 1.5 not null;

alter table `user` add column `big` bigint;

alter table `user` add column `bool` boolean default false;

alter table `user` add column `boolReq` boolean default true not null;

alter table `user` add column `date` timestamp(3);

alter table `user` add column `json` json;

alter table `user` add column `texts` json;

alter table `user` add column `nums` json;

alter table `user` add column `uniq` varchar(255);

alter table `user` add column `uniqDef` varchar(255);

alter table `user` add column `idx` varchar(255);

alter table `user` add column `uniqIdx` varchar(255);

alter table `user` add column `refId` varchar(36) references `user` (`id`) on delete cascade;

alter table `user` add column `refEmail` varchar(36) references `user` (`email`) on delete cascade;

create table `note` (`id` varchar(36) not null primary key, `text` text, `textDef` text, `textReq` text not null, `num` integer, `numReq` integer not null, `big` bigint, `bool` boolean, `boolReq` boolean not null, `date` timestamp(3), `json` json, `texts` json, `nums` json, `uniq` varchar(255) unique, `uniqDef` varchar(255) unique, `idx` varchar(255), `uniqIdx` varchar(255) unique, `refId` varchar(36) references `user` (`id`) on delete cascade, `refEmail` varchar(36) references `user` (`email`) on delete cascade, `reqUniq` varchar(255) not null unique, `reqIdx` varchar(255) not null, `reqRef` varchar(36) not null unique references `user` (`id`) on delete cascade);

create unique index `user_uniq_uidx` on `user` (`uniq`);

create unique index `user_uniqDef_uidx` on `user` (`uniqDef`);

create index `user_idx_idx` on `user` (`idx`);

create unique index `user_uniqIdx_uidx` on `user` (`uniqIdx`);

create index `user_refEmail_idx` on `user` (`refEmail`);

create index `note_idx_idx` on `note` (`idx`);

create index `note_refEmail_idx` on `note` (`refEmail`);

create index `note_reqIdx_idx` on `note` (`reqIdx`);
