// Why some flows are not played on some stores: what a flow's `except` holds, by the kind of store.

/** The flow changes rows of verifications. Where those are in Redis as well the package goes by Redis, and hallpass by the database. */
export const IN_TABLE = { redis: "it changes what Redis holds too" };

/** A session in Redis has no additional field that was not given; the package then shows none, and hallpass null. */
export const ADDITIONAL = { redis: "additional fields of sessions that were not given are shown as null" };
