// The endpoints that change the user or the session.

const OWN = "http://127.0.0.1:3000";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const VALUES = [null, 0, 5, 1.5, -0, 1e21, true, false, "", "text", "😀", "a\u0000b", [], ["x"], {}, { a: 1 }];

export default [
  {
    name: "users: update-user",
    async run(t) {
      await t.signUp("ann");
      const update = (json, is) => t.post("/update-user", json, as("ann"), is);
      await update({}, 400);
      await update({ unknown: 1 }, 400);
      await update({ emailVerified: true }, 400);
      await update({ id: "x", createdAt: "2000-01-01T00:00:00.000Z", updatedAt: "2000-01-01T00:00:00.000Z" }, 400);
      await update({ email: "new@example.com" }, 400);
      await update({ email: "new@example.com", name: "x" }, 400);
      await update({ email: "", name: "x" }, 200);
      await update({ email: null }, 400);
      await update({ name: "Anna", emailVerified: true, id: "x", role: "admin" }, 200);
      await t.get("/get-session", as("ann"), "session");
      await update({ image: "https://example.com/a.png" }, 200);
      await t.get("/get-session", as("ann"), "session");
      await update({ image: null }, 200);
      await t.get("/get-session", as("ann"), "session");
      for (const value of VALUES) {
        await update({ name: value });
        await t.get("/get-session", as("ann"), "session");
        await update({ image: value });
        await t.get("/get-session", as("ann"), "session");
      }
      await t.post("/update-user", { name: "by cookie" }, ($) => ({ cookie: $.ann.cookie, origin: OWN, keep: "ann" }), 200);
      await t.get("/get-session", ($) => ({ cookie: $.ann.cookie }), "session");
    },
  },
  {
    name: "users: update-user with additional fields",
    scenario: {
      options: {
        user: {
          additionalFields: {
            nickname: { type: "string", required: false },
            age: { type: "number", required: false },
            newsletter: { type: "boolean", required: false },
            role: { type: "string", required: false, defaultValue: "member", input: false },
            hidden: { type: "string", required: false, returned: false },
          },
        },
      },
    },
    async run(t) {
      await t.signUp("ann");
      const update = async (json) => {
        await t.post("/update-user", json, as("ann"));
        await t.get("/get-session", as("ann"), "session");
      };
      await update({ nickname: "Annie" });
      await update({ age: 7, newsletter: true });
      await update({ hidden: "x" });
      await update({ role: "admin" });
      await update({ role: "admin", name: "x" });
      await update({ role: null });
      await update({ unknown: true });
      await update({ nickname: null });
      for (const value of VALUES) {
        await update({ nickname: value });
        await update({ age: value });
        await update({ newsletter: value });
      }
    },
  },
  {
    name: "users: update-session without additional fields",
    async run(t) {
      await t.signUp("ann");
      for (const json of [{}, { unknown: 1 }, { token: "x", expiresAt: "2099-01-01T00:00:00.000Z", userId: "y", ipAddress: "1.1.1.1" }, [], null, "x"]) {
        await t.post("/update-session", json, as("ann"), 400);
      }
      await t.get("/get-session", as("ann"), "session");
    },
  },
  {
    name: "users: update-session with additional fields",
    scenario: {
      options: {
        session: {
          additionalFields: {
            theme: { type: "string", required: false },
            visits: { type: "number", required: false, defaultValue: 1 },
            pinned: { type: "boolean", required: false },
            level: { type: "string", required: false, defaultValue: "basic", input: false },
            hidden: { type: "string", required: false, returned: false },
          },
        },
      },
    },
    async run(t) {
      await t.signUp("ann");
      await t.get("/get-session", as("ann"), "session");
      const update = async (json) => {
        await t.post("/update-session", json, as("ann"));
        await t.get("/get-session", as("ann"), "session");
      };
      await update({ theme: "dark" });
      await update({ visits: 2, pinned: true });
      await update({ hidden: "x" });
      await update({ level: "admin" });
      await update({ level: "admin", theme: "light" });
      await update({ unknown: 1 });
      await update({ theme: "x", token: "stolen", expiresAt: "2099-01-01T00:00:00.000Z", userId: "y" });
      await update({});
      for (const value of VALUES) {
        await update({ theme: value });
        await update({ visits: value });
        await update({ pinned: value });
      }
      await t.get("/list-sessions", as("ann"), 200);
      await t.signIn("ann", "short", { rememberMe: false });
      await t.post("/update-session", { theme: "cookie" }, ($) => ({ cookie: $.short.cookie, origin: OWN }), 200);
      await t.post("/update-session", { theme: "x" }, {}, 401);
    },
  },
  {
    name: "users: change-password",
    async run(t) {
      await t.signUp("ann");
      for (const name of ["one", "two"]) await t.signIn("ann", name);
      const change = (json, is, extra = as("ann")) => t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password", ...json }, extra, is);
      await change({}, 401, {});
      await change({ newPassword: "short" }, 400);
      await change({ newPassword: "x".repeat(129) }, 400);
      await change({ newPassword: "short", currentPassword: "x".repeat(129) }, 400);
      await change({ currentPassword: "x".repeat(129) }, 400);
      await change({ currentPassword: "wrong" }, 400);
      await change({ currentPassword: "" }, 400);
      await change({}, 200);
      await t.post("/sign-in/email", { email: "ann@example.com", password: t.PASSWORD }, {}, 401);
      await t.get("/get-session", as("one"), "session");
      await change({ currentPassword: "another password", newPassword: "a third password", revokeOtherSessions: false }, 200);
      await change({ currentPassword: "a third password", newPassword: t.PASSWORD, revokeOtherSessions: true }, 200, ($) => ({ ...as("ann")($), keep: "new" }));
      for (const name of ["ann", "one", "two"]) await t.get("/get-session", as(name), "clears");
      await t.get("/get-session", as("new"), "session");
      await t.get("/list-sessions", as("new"), 200);
      await t.signIn("ann", "short", { rememberMe: false });
      await change({ newPassword: t.PASSWORD, revokeOtherSessions: true }, 200, ($) => ({ cookie: $.short.cookie, origin: OWN, keep: "short" }));
      await t.get("/get-session", ($) => ({ cookie: $.short.cookie }), "session");
    },
  },
  {
    name: "users: verify-password and list-accounts",
    async run(t) {
      await t.signUp("ann");
      const verify = (password, is) => t.post("/verify-password", { password }, as("ann"), is);
      await verify(t.PASSWORD, 200);
      await verify("wrong", 400);
      await verify("", 400);
      await verify("x".repeat(128), 400);
      await verify("x".repeat(129), 400);
      await t.post("/verify-password", { password: t.PASSWORD }, ($) => ({ cookie: $.ann.cookie, origin: OWN }), 200);
      await t.post("/verify-password", { password: t.PASSWORD }, {}, 401);
      await t.get("/list-accounts", as("ann"), 200);
      const scopes = (text) => {
        t.database((database) => database.prepare("update account set scope = ?, accessToken = 'secret', idToken = 'secret'").run(text));
        return t.get("/list-accounts", as("ann"), 200);
      };
      for (const text of ["email", "email,profile", " email , profile ,", "email profile", "", ",", null]) await scopes(text);
      t.database((database, $) => {
        const now = new Date().toISOString();
        database.prepare("insert into account (id, accountId, providerId, userId, createdAt, updatedAt) values (?, '42', 'github', ?, ?, ?)").run("githubgithubgithubgithubgithub42", $.ann.user.id, now, now);
      });
      await t.get("/list-accounts", as("ann"), 200);
    },
  },
  {
    name: "users: the error page",
    async run(t) {
      for (const query of ["", "?error=SHOWN_CODE", "?error=SHOWN_a-b_9", "?error=SHOWN_%27", "?error=SHOWN_x%20y", "?error=SHOWN_%3Cforeign%3E", "?error=", "?error=SHOWN_X&error_description=%3Cforeign%3E", "?error_description=SHOWN_d",
        "?error=SHOWN_A&error=SHOWN_B", "?error=SHOWN_%C3%A4", "?other=SHOWN_X"]) {
        await t.get(`/error${query}`);
      }
    },
  },
];
