// Counting requests, and finding out whose they are.

const limited = (rateLimit, ipAddress, environment) => ({ environment, options: { rateLimit: { enabled: true, ...rateLimit }, advanced: ipAddress ? { ipAddress } : undefined } });
const from = (...lines) => ({ headers: lines.map((line) => ["X-Forwarded-For", line]) });

/** Asks `times` times. */
async function repeat(times, ask) {
  for (let n = 0; n < times; n += 1) await ask(n);
}

// Pairs of header values, and whether both count for one client is what the comparison finds out: max is 1.
const ADDRESSES = [
  "9.9.9.9", "9.9.9.9 ", "::ffff:9.9.9.9", "9.9.9.9, 8.8.8.8", "8.8.8.8, 9.9.9.9", "9.9.9.9,", ",9.9.9.9", "9.9.9.9:80", "[9.9.9.9]", "09.9.9.9", "9.9.9", "0x9.9.9.9", "9.9.9.256", "nonsense", "",
  "unknown", "localhost", "127.0.0.1", "2001:db8::1", "2001:db8::2", "2001:DB8:0:0::3", "2001:db8:0:1::1", "[2001:db8::1]", "[2001:db8::1]:80", "2001:db8::1%eth0", "2001:db8:::1", "::", "::1", "fe80::1",
  "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:9", "1:2:3:5:5:6:7:8", "64:ff9b::9.9.9.9", "::9.9.9.9", "0:0:0:0:0:ffff:9.9.9.9", "2001:db8:1::", "12345::1", "g::1", "10.0.0.1", "10.0.0.1, 9.9.9.9", "9.9.9.9, 10.0.0.1",
  "9.9.9.9, 10.0.0.1, 10.0.0.2", "7.7.7.7, 9.9.9.9, 10.0.0.1", "nonsense, 10.0.0.1", "9.9.9.9, nonsense, 10.0.0.1", "10.0.0.1, 10.0.0.2", "9.9.9.9, ::ffff:10.0.0.1", "9.9.9.9, fd00::1", "2001:db8::1, fd00::1", "9.9.9.9,  , 10.0.0.1",
];

const addresses = (title, ipAddress, environment, header = "X-Forwarded-For") => ({
  name: `rate limit: client addresses, ${title}`,
  scenario: limited({ window: 60, max: 1 }, ipAddress, environment),
  async run(t) {
    // Each address on two paths: alone, and after all others have been seen there.
    for (const address of ADDRESSES) await t.get("/nothing", { headers: [[header, address]] });
    await t.get("/nothing", {});
    await t.get("/nothing", {});
    await t.get("/nothing", { headers: [[header, "9.9.9.9"], [header, "9.9.9.9"]] });
    await t.get("/nothing", { headers: [["X-Real-IP", "3.3.3.3"]] });
    for (const address of [...ADDRESSES].reverse()) await t.get("/elsewhere", { headers: [[header, address]] });
  },
});

export default [
  {
    name: "rate limit: the built-in rules",
    scenario: limited({}),
    async run(t) {
      await repeat(5, () => t.post("/sign-in/email", {}));
      await repeat(5, () => t.post("/sign-up/email", { name: "x" }));
      await repeat(5, () => t.post("/change-password", undefined));
      await repeat(4, () => t.get("/sign-in/anything"));
      await repeat(4, () => t.get("/sign-up-else"));
      await repeat(4, () => t.get("/change-email-too"));
      // GET finds no route there, and is counted all the same.
      await repeat(5, () => t.get("/request-password-reset"));
      await repeat(5, () => t.get("/send-verification-email"));
      await repeat(4, () => t.get("/forget-password/x"));
      await repeat(4, () => t.get("/request-password-reset/x"));
      await repeat(3, () => t.post("/sign-in/email", {}, from("9.9.9.9")));
      await repeat(2, () => t.post("/sign-in/email/", {}, from("9.9.9.9")));
      await repeat(2, () => t.get("/sign-in/email?x=1", from("9.9.9.9")));
      await repeat(101, () => t.get("/ok"));
      await t.send({ method: "HEAD", path: "/ok" }, 429);
      await t.send({ target: "/elsewhere" }, 404);
    },
  },
  {
    name: "rate limit: off by default in development",
    async run(t) {
      await repeat(8, () => t.post("/sign-in/email", {}, {}, 400));
    },
  },
  {
    name: "rate limit: on by default in production",
    scenario: { environment: "production" },
    async run(t) {
      await repeat(5, () => t.post("/sign-in/email", {}));
      await repeat(5, () => t.post("/sign-in/email", {}, from("9.9.9.9")));
      await repeat(2, () => t.post("/sign-in/email", {}, from("127.0.0.1")));
    },
  },
  {
    name: "rate limit: switched off in production",
    scenario: { environment: "production", options: { rateLimit: { enabled: false } } },
    async run(t) {
      await repeat(6, () => t.post("/sign-in/email", {}, {}, 400));
    },
  },
  {
    name: "rate limit: custom rules",
    scenario: limited({
      window: 60,
      max: 2,
      customRules: { "/ok": false, "/get-session": { window: 60, max: 4 }, "/sign-in/*": { window: 60, max: 1 }, "/list-*": false, "/revoke-session": { window: 1, max: 1 }, "/**/deep": { window: 60, max: 1 } },
    }),
    async run(t) {
      await repeat(6, () => t.get("/ok", {}, 200));
      await repeat(6, () => t.get("/get-session"));
      await repeat(4, () => t.post("/sign-in/email", {}));
      await repeat(4, () => t.get("/sign-in/a/b"));
      await repeat(4, () => t.get("/list-sessions"));
      await repeat(4, () => t.get("/list-accounts"));
      await repeat(4, () => t.get("/error"));
      await repeat(4, () => t.get("/error/"));
      await repeat(4, () => t.post("/revoke-session", {}));
      await repeat(3, () => t.get("/a/b/deep"));
      await t.sleep(1100);
      await repeat(2, () => t.post("/revoke-session", {}));
    },
  },
  {
    name: "rate limit: what counts, and on which key",
    scenario: limited({ window: 60, max: 3 }),
    async run(t) {
      await t.post("/revoke-session", {}, {}, 400);
      await t.send({ method: "POST", path: "/revoke-session", body: "{", type: "application/json" }, 400);
      await t.post("/revoke-session", {}, { cookie: "a=b", origin: "https://evil.example" }, 403);
      await t.post("/revoke-session", {}, {}, 429);
      await t.get("/revoke-session", {}, 429);
      await t.get("/revoke-session?x=y", {}, 429);
      await t.get("/revoke-session/", {}, 429);
      for (const path of ["/A", "/a", "/a/", "/a//", "//a", "/%61", "/a?b", "/a#b", "/./a", "/x/../a"]) await t.get(path);
      for (const target of ["/api", "/api", "/api/auth", "/api/auth/", "/api/auth", "/api/auth/"]) await t.send({ target });
    },
  },
  {
    name: "rate limit: the window slides with every accepted request",
    scenario: limited({ window: 2, max: 3 }),
    async run(t) {
      // A window in Redis ends where it was to end when it began.
      const inSliding = t.store === "redis" ? 200 : 429;
      await t.get("/ok", {}, 200);
      await t.sleep(1300);
      await t.get("/ok", {}, 200);
      await t.sleep(1300);
      await t.get("/ok", {}, 200);
      await t.get("/ok", {}, inSliding);
      await t.sleep(1300);
      await t.get("/ok", {}, inSliding);
      await t.sleep(1000);
      await t.get("/ok", {}, 200);
      await t.get("/ok", {}, 200);
    },
  },
  addresses("by default"),
  addresses("in production", undefined, "production"),
  addresses("with trusted proxies", { trustedProxies: ["10.0.0.0/24", "fd00::/8", "192.0.2.1"] }),
  addresses("another header", { ipAddressHeaders: ["cf-connecting-ip"] }, undefined, "CF-Connecting-IP"),
  addresses("two headers", { ipAddressHeaders: ["x-real-ip", "x-forwarded-for"] }),
  addresses("whole IPv6 addresses", { ipv6Subnet: 128 }),
  addresses("coarse IPv6 subnets", { ipv6Subnet: 32 }),
  addresses("no tracking", { disableIpTracking: true }),
  addresses("no tracking in production", { disableIpTracking: true }, "production"),
  {
    name: "rate limit: the address that a session records",
    scenario: { options: { advanced: { ipAddress: { trustedProxies: ["10.0.0.0/24"], ipAddressHeaders: ["x-client", "x-forwarded-for"] } } } },
    async run(t) {
      await t.signUp("ann");
      const headers = [
        [["X-Client", "9.9.9.9"]],
        [["X-Client", "nonsense"], ["X-Forwarded-For", "8.8.8.8"]],
        [["X-Forwarded-For", "8.8.8.8, 10.0.0.1"]],
        [["X-Forwarded-For", "2001:DB8::ABCD"]],
        [],
      ];
      for (const lines of headers) {
        await t.signIn("ann", "now", {}, { headers: lines });
        await t.get("/get-session", ($) => ({ authorization: `Bearer ${$.now.token}` }), "session");
      }
    },
  },
];
