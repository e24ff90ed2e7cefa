// Media types, broken bodies, and what validation says of each field.

const JSON_TYPES = [
  "application/json", "application/json; charset=utf-8", "APPLICATION/JSON", " application/json ;x=y", "application/json;", "application/vnd.x+json",
  "application/jsonx", "text/json", "text/plain", "text/plain;charset=UTF-8", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
  "application/octet-stream", "nonsense", "application/json, text/plain", "*/*", "application/xml", "a/b\"c",
];

const POSTS = ["/sign-up/email", "/sign-in/email", "/sign-out", "/revoke-session", "/revoke-sessions", "/revoke-other-sessions", "/update-session",
  "/update-user", "/change-password", "/verify-password", "/get-session"];

const ROOTS = ["null", "[]", "[1]", "\"text\"", "1", "-0", "true", "false", "{}", "", " ", "\n\t ", "{", "}", "nul", "{\"a\":1,}", "{'a':1}",
  "[", "{\"a\":}", "// x\n{}", "{} {}", "\ufeff{}", "\ufeff", "NaN", "undefined", "{\"__proto__\":1}", "{\"constructor\":{\"prototype\":{}}}"];

const VALUES = [undefined, null, 0, 1, 1.5, "1e999", true, false, "", " ", "text", [], ["x"], {}, { a: 1 }];

const ACCEPTED = ["a@b.co", "A@EX.COM", "-a@ex.com", "a-@ex.com", "_a@ex.com", "+a@ex.com", "a+@ex.com", "a'b@ex.com", "'a@ex.com", "a@ex-.com", "a@e--x.com", "a.b.c@ex.com",
  "1@2.co", "a@1.2.3.com", `${"x".repeat(65)}@ex.com`, `a@${"x".repeat(70)}.com`, "a@ex.museum", "a@x.y.z.aa", "a+b_c-d@e-f.co", "A_b.C@D.eF"];
const REFUSED = ["a@b", "a@b.c", "a@-ex.com", "a@ex.c0m", ".a@ex.com", "a.@ex.com", "a'@ex.com", "a..b@ex.com", "a@ex..com", "\"a\"@ex.com", "a@[1.1.1.1]",
  "a@1.1.1.1", "a_b@ex_a.com", "a!b@ex.com", "a@ex.com ", " a@ex.com", "a@ex.com\n", "ä@ex.com", "a@exä.com", "@ex.com", "a@", "a", "a@@ex.com", "a@b@ex.com",
  "a@.ex.com", "a@ex.com.", "a b@ex.com", "a\tb@ex.com", "a%b@ex.com", "a@ex,com", "a/b@ex.com", "a@ex.com\u0000", "a@ex.ＣＯＭ", "a@x.-y.com", "<a@ex.com>", "mailto:a@ex.com"];

export default [
  {
    name: "bodies: content types",
    async run(t) {
      for (const type of JSON_TYPES) {
        await t.send({ method: "POST", path: "/sign-in/email", type, body: "{}" });
        await t.send({ method: "POST", path: "/update-user", type, body: "{}" });
        await t.send({ method: "POST", path: "/revoke-other-sessions", type, body: "{}" });
        await t.send({ method: "POST", path: "/sign-out", type, body: "" });
      }
      await t.send({ method: "POST", path: "/sign-in/email", body: "{}" }, 400);
      await t.send({ method: "POST", path: "/sign-in/email", type: "", body: "{}" });
      await t.send({ method: "POST", path: "/update-user", body: "{}" }, 400);
      await t.send({ method: "POST", path: "/sign-out", body: "{}" }, 200);
    },
  },
  {
    name: "bodies: what is not an object, everywhere",
    async run(t) {
      for (const path of POSTS) {
        for (const body of ROOTS) await t.send({ method: "POST", path, type: "application/json", body });
        await t.send({ method: "POST", path });
      }
    },
  },
  {
    name: "bodies: bytes that are not UTF-8, and what JSON allows",
    async run(t) {
      const post = (body) => t.send({ method: "POST", path: "/sign-in/email", type: "application/json", body });
      await post(Buffer.from([0x7b, 0xff, 0x7d]));
      await post(Buffer.from('{"email":"\xff\xfe","password":"x"}', "latin1"));
      await post(Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('{"email":"a"}')]));
      await post('{"email":"a@b","email":5,"password":"x"}');
      await post('{"email":5,"email":"a@b","password":"x"}');
      await post('{"email":"\\ud800","password":"x"}');
      await post('{"email":"a\\u0000@ex.com","password":"x"}');
      await post('{"email":123456789012345678901234567890,"password":0.1e-5}');
      await post('{"email":"a@b","password":"x","rememberMe":null}');
      await t.send({ method: "GET", path: "/ok", type: "application/json", body: "{broken" }, 200);
      await t.send({ method: "GET", path: "/get-session", type: "text/plain", body: "x" }, "null");
    },
  },
  {
    name: "bodies: each field of sign-up with each type",
    async run(t) {
      const good = { name: "Ann", email: "not an address", password: "x" };
      for (const field of ["name", "email", "password", "image", "callbackURL", "rememberMe"]) {
        for (const value of VALUES) await t.post("/sign-up/email", { ...good, [field]: value });
      }
      await t.post("/sign-up/email", {}, {}, 400);
      await t.post("/sign-up/email", { email: 1, password: null, name: [], image: 1, callbackURL: "/x", rememberMe: "yes" }, {}, 400);
    },
  },
  {
    name: "bodies: each field of sign-in with each type",
    async run(t) {
      const good = { email: "not an address", password: "x" };
      for (const field of ["email", "password", "callbackURL", "rememberMe"]) {
        for (const value of VALUES) await t.post("/sign-in/email", { ...good, [field]: value });
      }
      await t.post("/sign-in/email", { extra: 1, ...good }, {}, 400);
    },
  },
  {
    name: "bodies: each field of the other endpoints with each type",
    async run(t) {
      const fields = {
        "/revoke-session": ["token"],
        "/change-password": ["newPassword", "currentPassword", "revokeOtherSessions"],
        "/verify-password": ["password"],
        "/sign-out": ["callbackURL", "disableRedirect", "state"],
        "/update-user": ["name", "image", "email"],
      };
      for (const [path, names] of Object.entries(fields)) {
        for (const field of names) for (const value of VALUES) await t.post(path, { [field]: value });
      }
    },
  },
  {
    name: "bodies: addresses that are accepted",
    async run(t) {
      // A password that is too short is refused after the address was accepted, and costs no hash.
      for (const email of ACCEPTED) {
        const { answers } = await t.post("/sign-up/email", { name: "x", email, password: "short" }, {}, 400);
        if (!answers[0].body.includes("PASSWORD_TOO_SHORT")) throw new Error(`the original refuses ${email}`);
      }
    },
  },
  {
    name: "bodies: addresses that are refused",
    async run(t) {
      for (const email of REFUSED) {
        const { answers } = await t.post("/sign-up/email", { name: "x", email, password: "short" }, {}, 400);
        if (!answers[0].body.includes("Invalid email address")) throw new Error(`the original accepts ${email}`);
        await t.post("/sign-in/email", { email, password: "x" }, {}, 400);
      }
    },
  },
  {
    name: "bodies: forms",
    async run(t) {
      const form = (path, body, is) => t.send({ method: "POST", path, type: "application/x-www-form-urlencoded", body, keep: "ann" }, is);
      await form("/sign-up/email", "name=Ann&email=ann%40example.com&password=correct+horse+battery", 200);
      await form("/sign-in/email", "email=ann%40example.com&password=correct+horse+battery", 200);
      await form("/sign-in/email", "email=first%40example.com&email=ann%40example.com&password=correct+horse+battery", 200);
      await form("/sign-in/email", "email=ann%40example.com&password=correct+horse+battery&rememberMe=false", 400);
      await form("/sign-in/email", "email=ann%40example.com", 400);
      await form("/sign-in/email", "", 400);
      await form("/sign-in/email", "&&=&x", 400);
      await form("/sign-in/email", "{}", 400);
      await form("/sign-in/email", "email=%zz&password=%F6", 400);
      await form("/sign-in/email", "email[]=a&password[x]=b", 400);
      await form("/sign-up/email", "name=A&email=b%40example.com&password=short&callbackURL=https%3A%2F%2Fevil.example", 403);
      await form("/sign-out", "a=b", 415);
      await form("/update-user", "name=b", 415);
    },
  },
  {
    name: "bodies: in chunks",
    async run(t) {
      const chunked = (path, chunks, type = "application/json") => t.send({ method: "POST", path, type, chunks });
      await chunked("/sign-in/email", ["{\"email\":", "\"x\"}"]);
      await chunked("/sign-in/email", ["{}"]);
      await chunked("/sign-in/email", []);
      await chunked("/sign-out", []);
      await chunked("/sign-out", ["{", "}"]);
      await chunked("/sign-in/email", ["{}"], "text/plain");
    },
  },
];
