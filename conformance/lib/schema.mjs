// What a database says of the tables in it, so that those of two servers can be compared.
import { openDatabase } from "./database.mjs";

/** Resolves to what there is by table, in the terms of the database. */
export async function madeTables(store) {
  const database = openDatabase(store);
  try {
    return DESCRIBED[database.kind](database);
  } finally {
    database.close();
  }
}

const DESCRIBED = {
  sqlite(database) {
    const names = database.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name").pluck().all();
    const tables = names.map((name) => [name, {
      statements: database.prepare("select sql from sqlite_master where tbl_name = ? and sql is not null order by name").pluck().all(name),
      columns: database.pragma(`table_info("${name}")`),
      indexes: database.pragma(`index_list("${name}")`)
        // SQLite numbers the indexes it makes itself; which columns they are on is what matters.
        .map(({ name: index, unique, origin, partial }) => ({ name: origin === "c" ? index : origin, unique, partial, columns: database.pragma(`index_info("${index}")`).map((column) => column.name) }))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
      foreignKeys: database.pragma(`foreign_key_list("${name}")`),
    }]);
    return Object.fromEntries(tables);
  },
  postgres(database) {
    const names = database.prepare("select table_name from information_schema.tables where table_schema = current_schema() order by 1").pluck().all();
    const columns = database.prepare(`select column_name, data_type, is_nullable, column_default, character_maximum_length, datetime_precision, collation_name, is_identity, identity_generation
      from information_schema.columns where table_schema = current_schema() and table_name = ? order by ordinal_position`);
    const indexes = database.prepare("select indexdef from pg_indexes where schemaname = current_schema() and tablename = ? order by 1").pluck();
    const constraints = database.prepare("select conname, pg_get_constraintdef(pg_constraint.oid) from pg_constraint join pg_class on pg_class.oid = conrelid where relname = ? order by 1");
    return Object.fromEntries(names.map((name) => [name, { columns: columns.all(name), indexes: indexes.all(name), constraints: constraints.all(name) }]));
  },
  mariadb(database) {
    const names = database.prepare("select table_name from information_schema.tables where table_schema = database() order by 1").pluck().all();
    // What the next number is depends on what was written.
    return Object.fromEntries(names.map((name) => [name, Object.values(database.prepare(`show create table "${name}"`).get())[1].replace(/ AUTO_INCREMENT=\d+/, "")]));
  },
};
