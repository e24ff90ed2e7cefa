// Why some flows are not played on some stores: what a flow's `except` holds, by the kind of store.

/** The flow changes rows of verifications. Where those are in Redis as well the package goes by Redis, and hallpass by the database. */
export const IN_TABLE = { redis: "it changes what Redis holds too" };

/** A session in Redis has no additional field that was not given; the package then shows none, and hallpass null. */
export const ADDITIONAL = { redis: "additional fields of sessions that were not given are shown as null" };

/** A value of another kind than its column is written as the driver of the package sees fit: 1e21 as such, a list as its entries. */
export const WRONG_KIND = { postgres: "values of the wrong kind are written otherwise", mariadb: "values of the wrong kind are written otherwise" };
