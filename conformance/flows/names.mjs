// Tables and columns under other names, which the wire does not show.
import assert from "node:assert/strict";

const OWN = "http://127.0.0.1:3000";
const by = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });

async function life(t) {
  await t.signUp("ann", { plan: "free" });
  await t.signUp("ann", {}, { keep: "nobody" });
  await t.get("/get-session", by("ann"), "session");
  await t.signIn("ann", "again");
  await t.get("/list-sessions", by("again"), 200);
  await t.get("/list-accounts", by("again"), 200);
  await t.post("/update-user", { name: "Anna", plan: "paid" }, by("again"), 200);
  await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password", revokeOtherSessions: true }, ($) => ({ cookie: $.again.cookie, origin: OWN, keep: "changed" }), 200);
  await t.get("/get-session", by("changed"), "session");
  await t.get("/get-session", by("ann"), "clears");
  await t.post("/revoke-sessions", {}, by("changed"), 200);
  await t.get("/get-session", by("changed"), "clears");
}

const plan = (more) => ({ plan: { type: "string", required: false, ...more } });

export default [
  {
    name: "names: every table and many columns",
    scenario: {
      options: {
        user: { modelName: "people", fields: { email: "mail", emailVerified: "mail_verified", createdAt: "made" }, additionalFields: plan({ fieldName: "plan name" }) },
        session: { modelName: "log ins", fields: { token: "tok", userId: "person_id", expiresAt: "until", ipAddress: "ip" } },
        account: { modelName: "Accs", fields: { userId: "owner", password: "hash" } },
        verification: { modelName: "verifs", fields: { identifier: "ident" } },
      },
    },
    async run(t) {
      await life(t);
      t.database((database) => {
        assert.deepEqual(database.prepare(`select mail, mail_verified, "plan name" as plan from people`).all(), [{ mail: "ann@example.com", mail_verified: 0, plan: "paid" }]);
        assert.equal(database.prepare(`select count(*) from "Accs" join people on people.id = owner where length(hash) = 161`).pluck().get(), 1);
        if (t.store !== "redis") assert.equal(database.prepare(`select count(*) from "log ins" where person_id is not null`).pluck().get(), 0);
      });
    },
  },
  {
    name: "names: empty ones are none",
    scenario: { options: { user: { modelName: "", fields: { email: "" }, additionalFields: plan({ fieldName: "" }) } } },
    async run(t) {
      await life(t);
      t.database((database) => assert.equal(database.prepare(`select count(*) from user where email = 'ann@example.com' and plan = 'paid'`).pluck().get(), 1));
    },
  },
  {
    name: "names: with the limiter in the database, and numbers for ids",
    scenario: {
      options: {
        user: { modelName: "people", additionalFields: plan() },
        advanced: { database: { generateId: "serial" } },
        rateLimit: { enabled: true, storage: "database", max: 2, modelName: "limits", fields: { key: "k", count: "n", lastRequest: "last" }, customRules: { "/sign-*/*": false, "/change-password": false, "/get-session": false } },
      },
    },
    async run(t) {
      await life(t);
      for (let n = 0; n < 3; n += 1) await t.get("/error");
      t.database((database) => assert.deepEqual(database.prepare(`select id, n from limits where k = '127.0.0.1|/error'`).all().map(({ n }) => n), [2]));
    },
  },
];
