// Signing up and signing in: the order of checks, what is stored, what is answered.

const OWN = "http://127.0.0.1:3000";
const as = (name) => ($) => ({ authorization: `Bearer ${$[name].token}` });
const person = (more) => ({ name: "Ann", email: "ann@example.com", password: "correct horse battery", ...more });

/** Additional fields of every kind, as `user.additionalFields`. */
const FIELDS = {
  nickname: { type: "string", required: false },
  age: { type: "number", required: false },
  newsletter: { type: "boolean", required: false },
  role: { type: "string", required: false, defaultValue: "member", input: false },
  internalNote: { type: "string", required: false, input: false },
  secretNote: { type: "string", required: false, returned: false },
  plan: { type: "string", required: false, defaultValue: "free" },
  limit: { type: "number", required: false, defaultValue: 3 },
};

export default [
  {
    name: "sign-up: the order of checks",
    async run(t) {
      await t.post("/sign-up/email", {}, { origin: "https://evil.example" }, 400);
      await t.post("/sign-up/email", person({ password: "short" }), { origin: "https://evil.example" }, 403);
      await t.post("/sign-up/email", person({ password: "short" }), {}, 400);
      await t.post("/sign-up/email", person({ password: "seven77" }), {}, 400);
      await t.post("/sign-up/email", person({ password: "x".repeat(129) }), {}, 400);
      await t.post("/sign-up/email", person({ password: "😀😀😀" }), {}, 400);
      await t.post("/sign-up/email", person({ password: "😀".repeat(65) }), {}, 400);
      await t.signUp("ann");
      await t.post("/sign-up/email", person({}), {}, 422);
      await t.post("/sign-up/email", person({ email: "ANN@Example.COM" }), {}, 422);
      await t.post("/sign-up/email", person({ password: "short" }), {}, 400);
      await t.post("/sign-up/email", person({ callbackURL: "https://evil.example" }), {}, 403);
    },
  },
  {
    name: "sign-up: what is stored and answered",
    async run(t) {
      const texts = ["", " ", "\u0000", "a\u0000b", "äöü ß", "e\u0301", "日本語", "😀", "\u202e", "<b>", "x".repeat(5000), "line\nbreak", "\u2028", "\\", "\"", "%00"];
      for (const [n, name] of texts.entries()) {
        // Postgres has no text with a NUL in it, and a name on MariaDB has 255 letters.
        const isText = { postgres: !name.includes("\u0000"), mariadb: name.length <= 255 }[t.store] ?? true;
        await t.post("/sign-up/email", person({ name, email: `u${n}@example.com`, image: name }), { keep: "now" }, isText ? 200 : 422);
        if (!isText) continue;
        await t.get("/get-session", as("now"), "session");
      }
      await t.post("/sign-up/email", person({ email: "MiXeD.Case@Example.COM", image: "https://example.com/a.png", callbackURL: "/welcome", rememberMe: false }), { keep: "now" }, 200);
      await t.get("/get-session", as("now"), "session");
      await t.post("/sign-up/email", person({ id: "mine", emailVerified: true, createdAt: "2000-01-01", updatedAt: 5, role: "admin", token: "x", userId: "y", email: "more@example.com" }), { keep: "now" }, 200);
      await t.get("/get-session", as("now"), "session");
      await t.get("/list-accounts", as("now"), 200);
      await t.post("/sign-up/email", person({ email: "second@example.com" }), ($) => ({ ...as("now")($), keep: "now" }), 200);
      await t.post("/sign-up/email", person({ email: "third@example.com" }), ($) => ({ cookie: $.now.cookie, origin: OWN }), 200);
    },
  },
  {
    name: "sign-up: passwords",
    async run(t) {
      const passwords = ["x".repeat(8), "x".repeat(128), "😀😀😀😀", "pässwörd", "ﬁancé ﬁancé", "Ⅷ①Ⅷ①Ⅷ①Ⅷ①", "        ", "a\u0000b\u0000c\u0000d\u0000", "e\u0301".repeat(8), "\ud800".repeat(8)];
      for (const [n, password] of passwords.entries()) {
        const email = `p${n}@example.com`;
        await t.post("/sign-up/email", person({ email, password }), {}, 200);
        await t.post("/sign-in/email", { email, password }, {}, 200);
        await t.post("/sign-in/email", { email, password: password.normalize("NFKC") }, {}, 200);
        await t.post("/sign-in/email", { email, password: `${password} ` }, {});
      }
    },
  },
  {
    name: "sign-up: switched off",
    scenario: { options: { emailAndPassword: { disableSignUp: true } } },
    async run(t) {
      await t.post("/sign-up/email", {}, {}, 400);
      await t.post("/sign-up/email", person({}), {}, 400);
      await t.post("/sign-up/email", person({ password: "x" }), {}, 400);
      await t.post("/sign-in/email", person({}), {}, 401);
    },
  },
  {
    name: "sign-up: the whole feature off",
    scenario: { options: { emailAndPassword: { enabled: false } } },
    async run(t) {
      await t.post("/sign-up/email", {}, {}, 400);
      await t.post("/sign-up/email", person({}), {}, 400);
      await t.post("/sign-in/email", {}, {}, 400);
      await t.post("/sign-in/email", person({}), {}, 400);
      await t.post("/sign-in/email", person({ email: "no address" }), {}, 400);
      await t.post("/sign-in/email", person({}), { origin: "https://evil.example" }, 403);
      await t.post("/change-password", { newPassword: "x", currentPassword: "y" }, {}, 401);
      await t.post("/verify-password", { password: "y" }, {}, 401);
    },
  },
  {
    name: "sign-up: without signing in",
    scenario: { options: { emailAndPassword: { autoSignIn: false } } },
    async run(t) {
      await t.signUp("ann");
      await t.post("/sign-up/email", person({ name: "Mallory", image: "x" }), {}, 200);
      await t.post("/sign-up/email", person({ email: "ANN@example.com", name: "" }), {}, 200);
      await t.post("/sign-up/email", person({ rememberMe: false, email: "b@example.com" }), {}, 200);
      await t.signIn("ann");
      await t.get("/get-session", as("ann"), "session");
      await t.get("/list-sessions", as("ann"), 200);
    },
  },
  {
    name: "sign-up: verification required",
    scenario: { options: { emailAndPassword: { requireEmailVerification: true } } },
    async run(t) {
      await t.signUp("ann");
      await t.post("/sign-up/email", person({ name: "Mallory" }), {}, 200);
      await t.signIn("ann", "ann", {}, {});
      await t.post("/sign-in/email", { email: "ann@example.com", password: "wrong password" }, {}, 401);
      t.database((database) => database.prepare("update user set emailVerified = true").run());
      await t.signIn("ann");
      await t.get("/get-session", as("ann"), "session");
    },
  },
  {
    name: "sign-up: other password lengths",
    scenario: { options: { emailAndPassword: { minPasswordLength: 3, maxPasswordLength: 5 } } },
    async run(t) {
      for (const password of ["x", "xx", "xxx", "xxxxx", "xxxxxx", "😀", "😀😀", "😀😀😀"]) {
        await t.post("/sign-up/email", person({ password, email: `a${password.length}${password.codePointAt(0)}@example.com` }));
        await t.post("/sign-in/email", { password, email: `a${password.length}${password.codePointAt(0)}@example.com` });
      }
      await t.post("/sign-up/email", person({ password: "12345" }), { keep: "ann" }, 200);
      await t.post("/change-password", { currentPassword: "12345", newPassword: "12" }, as("ann"), 400);
      await t.post("/change-password", { currentPassword: "12345", newPassword: "123456" }, as("ann"), 400);
      await t.post("/change-password", { currentPassword: "123456", newPassword: "1234" }, as("ann"), 400);
      await t.post("/verify-password", { password: "123456" }, as("ann"), 400);
    },
  },
  {
    name: "sign-up: zero as a password length",
    scenario: { options: { emailAndPassword: { minPasswordLength: 0, maxPasswordLength: 0 } } },
    async run(t) {
      await t.post("/sign-up/email", person({ password: "seven77" }), {}, 400);
      await t.post("/sign-up/email", person({ password: "x".repeat(129) }), {}, 400);
      await t.post("/sign-up/email", person({ password: "eight888" }), {}, 200);
    },
  },
  {
    name: "sign-up: additional fields",
    scenario: { options: { user: { additionalFields: FIELDS } } },
    async run(t) {
      let n = 0;
      const up = async (more) => {
        n += 1;
        const { answers } = await t.post("/sign-up/email", person({ email: `a${n}@example.com`, ...more }), { keep: "now" });
        if (answers[0].status === 200) await t.get("/get-session", as("now"), "session");
      };
      await up({});
      await up({ nickname: "Annie", age: 5, newsletter: true, secretNote: "hush", plan: "gold", limit: 9 });
      await up({ nickname: null, age: null, newsletter: null, plan: null });
      await up({ nickname: "", age: 0, newsletter: false, plan: "", limit: 0 });
      await up({ role: "admin" });
      await up({ role: null });
      await up({ role: "" });
      await up({ internalNote: "x" });
      await up({ internalNote: "" });
      await up({ internalNote: null });
      await up({ unknownField: "x" });
      for (const value of [5, "5", true, "text", [], ["a"], {}, { a: 1 }, 1.5, 1e300, -1, "true"]) {
        await up({ nickname: value });
        await up({ age: value });
        await up({ newsletter: value });
      }
    },
  },
  {
    name: "sign-up: required additional fields",
    scenario: { options: { user: { additionalFields: { company: { type: "string", required: true }, size: { type: "number", required: true, defaultValue: 1 }, code: { type: "string", required: true, input: false, defaultValue: "c" } } } } },
    async run(t) {
      await t.post("/sign-up/email", person({}), {}, 400);
      await t.post("/sign-up/email", person({ company: null }), {});
      await t.post("/sign-up/email", person({ company: "" }), {});
      await t.post("/sign-up/email", person({ company: "ACME", email: "b@example.com" }), { keep: "bob" }, 200);
      await t.get("/get-session", as("bob"), "session");
      await t.post("/sign-up/email", person({ company: "ACME", size: 7, code: "d", email: "c@example.com" }));
      await t.post("/update-user", { company: null }, as("bob"));
      await t.post("/update-user", { company: "Other", code: "z" }, as("bob"));
      await t.post("/update-user", { company: "Other" }, as("bob"), 200);
      await t.get("/get-session", as("bob"), "session");
    },
  },
  {
    name: "sign-in: the order of checks",
    async run(t) {
      await t.signUp("ann");
      const sign = (json, extra, is) => t.post("/sign-in/email", json, extra, is);
      await sign({ email: "no address", password: "x" }, { origin: "https://evil.example" }, 403);
      await sign({ email: "no address", password: "x" }, {}, 400);
      await sign({ email: "no address", password: "x".repeat(129) }, {}, 400);
      await sign({ email: "ann@example.com", password: "x".repeat(129) }, {}, 400);
      await sign({ email: "ann@example.com", password: "x".repeat(128) }, {}, 401);
      await sign({ email: "ann@example.com", password: "" }, {}, 401);
      await sign({ email: "ann@example.com", password: "wrong" }, {}, 401);
      await sign({ email: "nobody@example.com", password: "correct horse battery" }, {}, 401);
      await sign({ email: " ann@example.com", password: "correct horse battery" }, {}, 400);
      await sign({ email: "ANN@EXAMPLE.com", password: "correct horse battery" }, {}, 200);
      await sign({ email: "ann@example.com", password: "correct horse battery ", callbackURL: "https://evil.example" }, {}, 403);
    },
  },
  {
    name: "sign-in: callbackURL and rememberMe",
    scenario: { options: { trustedOrigins: ["https://app.example.com", "myapp://"] } },
    async run(t) {
      await t.signUp("ann");
      for (const callbackURL of ["", "/", "/welcome?x=1#y", "https://app.example.com/in", "https://app.example.com", "myapp://in", `${OWN}/x`, "/ü", "/a b"]) {
        await t.signIn("ann", "now", { callbackURL });
      }
      for (const rememberMe of [true, false]) {
        await t.signIn("ann", "now", { rememberMe, callbackURL: "/x" });
        await t.get("/get-session", as("now"), "session");
        await t.get("/get-session", ($) => ({ cookie: $.now.cookie }), "session");
      }
      await t.signIn("ann", "now", { more: "keys" });
    },
  },
  {
    name: "sign-in: accounts without a usable password",
    async run(t) {
      await t.signUp("ann");
      await t.signUp("bob");
      await t.signUp("cat");
      await t.signUp("dan");
      t.database((database) => {
        const set = (email, change) => database.prepare(`update account set ${change} where userId = (select id from user where email = ?)`).run(`${email}@example.com`);
        set("ann", "password = null");
        set("bob", "password = 'nonsense'");
        set("cat", "providerId = 'github'");
        database.prepare("delete from account where userId = (select id from user where email = 'dan@example.com')").run();
      });
      for (const name of ["ann", "bob", "cat", "dan"]) {
        await t.signIn(name, "now");
        await t.post("/verify-password", { password: t.PASSWORD }, as(name));
        await t.post("/change-password", { currentPassword: t.PASSWORD, newPassword: "another password" }, as(name));
        await t.get("/list-accounts", as(name), 200);
      }
    },
  },
];
