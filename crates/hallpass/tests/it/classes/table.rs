//! Every endpoint, and what each of its parameters can do.

use std::path::Path;

use hallpass_verify::component;
use http::Method;
use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::tickets::Ticket;
use crate::support::{Call, Stage};

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Query,
    Path,
}

/// What a parameter can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Nature {
    /// Nothing but what it says.
    Plain,
    /// Sends a browser somewhere.
    Url,
    /// Names a session, which may be somebody else's.
    Session,
    /// Redeems one of these.
    Ticket(&'static [Ticket]),
}

/// One parameter of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) nature: Nature,
    /// What a valid request has there, as JSON; empty where it has none.
    example: &'static str,
}

/// One endpoint and method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    is_post: bool,
    /// As the endpoint writes it.
    pub(super) path: &'static str,
    pub(super) needs_session: bool,
    pub(super) parameters: &'static [Parameter],
}

use Nature::{Plain, Url};
use Place::{Body, Query};

const fn body(name: &'static str, nature: Nature, example: &'static str) -> Parameter {
    Parameter { place: Body, name, nature, example }
}

const fn query(name: &'static str, nature: Nature, example: &'static str) -> Parameter {
    Parameter { place: Query, name, nature, example }
}

const fn get(path: &'static str, parameters: &'static [Parameter]) -> Known {
    Known { is_post: false, path, needs_session: false, parameters }
}

const fn post(path: &'static str, parameters: &'static [Parameter]) -> Known {
    Known { is_post: true, path, needs_session: false, parameters }
}

impl Known {
    const fn with_session(mut self) -> Self {
        self.needs_session = true;
        self
    }
}

const CALLBACK: Parameter = body("callbackURL", Url, r#""/next""#);
const LOOK_UP: &[Parameter] = &[query("disableCookieCache", Plain, ""), query("disableRefresh", Plain, "")];
const RESETS: Nature = Nature::Ticket(&[Ticket::ResetPassword]);
const DELETES: Nature = Nature::Ticket(&[Ticket::DeleteAccount]);

/// What a provider sends browsers back with.
const FROM_PROVIDER: &[Parameter] = &[
    Parameter { place: Place::Path, name: "id", nature: Plain, example: r#""unknown""# },
    query("code", Plain, r#""c""#),
    query("error", Plain, ""),
    query("device_id", Plain, ""),
    query("error_description", Plain, ""),
    query("state", Plain, r#""unknown""#),
    query("user", Plain, ""),
    query("iss", Plain, ""),
];

/// Everything mounted.
pub(super) const ENDPOINTS: &[Known] = &[
    get("/ok", &[]),
    get("/error", &[query("error", Plain, r#""a""#), query("error_description", Plain, r#""b""#)]),
    post(
        "/sign-up/email",
        &[
            body("name", Plain, r#""New""#),
            body("email", Plain, r#""new@example.com""#),
            body("password", Plain, r#""password123""#),
            body("image", Plain, ""),
            CALLBACK,
            body("rememberMe", Plain, ""),
        ],
    ),
    post(
        "/sign-in/email",
        &[
            body("email", Plain, r#""ann@example.com""#),
            body("password", Plain, r#""password123""#),
            CALLBACK,
            body("rememberMe", Plain, ""),
        ],
    ),
    post("/sign-out", &[CALLBACK, body("disableRedirect", Plain, ""), body("state", Plain, "")]),
    get("/get-session", LOOK_UP),
    post("/get-session", LOOK_UP),
    get("/list-sessions", &[]).with_session(),
    post("/revoke-session", &[body("token", Nature::Session, r#""unknown""#)]).with_session(),
    post("/revoke-sessions", &[]).with_session(),
    post("/revoke-other-sessions", &[]).with_session(),
    post("/update-session", &[body("theme", Plain, r#""dark""#)]).with_session(),
    post("/update-user", &[body("name", Plain, r#""Anna""#), body("image", Plain, "")]).with_session(),
    post(
        "/change-password",
        &[
            body("newPassword", Plain, r#""another password""#),
            body("currentPassword", Plain, r#""password123""#),
            body("revokeOtherSessions", Plain, ""),
        ],
    )
    .with_session(),
    post("/verify-password", &[body("password", Plain, r#""password123""#)]).with_session(),
    post("/change-email", &[body("newEmail", Plain, r#""newer@example.com""#), CALLBACK]).with_session(),
    post("/delete-user", &[CALLBACK, body("password", Plain, ""), body("token", DELETES, "")]).with_session(),
    get("/delete-user/callback", &[query("token", DELETES, r#""unknown""#), query("callbackURL", Url, r#""/next""#)]),
    post("/send-verification-email", &[body("email", Plain, r#""ann@example.com""#), CALLBACK]),
    get(
        "/verify-email",
        &[
            query(
                "token",
                Nature::Ticket(&[Ticket::ProveEmail, Ticket::ConfirmChange, Ticket::VerifyChange]),
                r#""unknown""#,
            ),
            query("callbackURL", Url, r#""/next""#),
        ],
    ),
    post(
        "/request-password-reset",
        &[body("email", Plain, r#""ann@example.com""#), body("redirectTo", Url, r#""/next""#)],
    ),
    get(
        "/reset-password/{token}",
        &[
            Parameter { place: Place::Path, name: "token", nature: RESETS, example: r#""unknown""# },
            query("callbackURL", Url, r#""/next""#),
        ],
    ),
    post(
        "/reset-password",
        &[
            body("newPassword", Plain, r#""another password""#),
            body("token", RESETS, r#""unknown""#),
            query("token", RESETS, ""),
        ],
    ),
    get("/list-accounts", &[]).with_session(),
    post(
        "/sign-in/social",
        &[
            body("provider", Plain, r#""idp""#),
            CALLBACK,
            body("newUserCallbackURL", Url, r#""/new""#),
            body("errorCallbackURL", Url, r#""/failed""#),
            body("disableRedirect", Plain, ""),
            body("expiresAt", Plain, ""),
            body("firstName", Plain, ""),
            body("lastName", Plain, ""),
            body("email", Plain, ""),
            body("scopes", Plain, ""),
            body("requestSignUp", Plain, ""),
            body("loginHint", Plain, r#""ann""#),
        ],
    ),
    post(
        "/link-social",
        &[
            body("provider", Plain, r#""idp""#),
            CALLBACK,
            body("errorCallbackURL", Url, r#""/failed""#),
            body("disableRedirect", Plain, ""),
            body("scopes", Plain, ""),
            body("requestSignUp", Plain, ""),
            body("loginHint", Plain, r#""ann""#),
        ],
    )
    .with_session(),
    get("/callback/{id}", FROM_PROVIDER),
    post("/callback/{id}", FROM_PROVIDER),
    post("/unlink-account", &[body("accountId", Plain, r#""unknown""#)]).with_session(),
    post("/get-access-token", &[body("accountId", Plain, r#""unknown""#)]),
    post("/refresh-token", &[body("accountId", Plain, r#""unknown""#)]),
    get("/account-info", &[query("accountId", Plain, r#""unknown""#)]),
    get("/open-api/generate-schema", &[]),
    get("/reference", &[]),
];

/// Endpoints for calls in process alone.
const UNMOUNTED: [&str; 1] = ["/set-password"];

/// Answers any method at any path below, looks at one header, and asks for no origin, so that nearly every class means something else
/// there. Each is tested for it alone, in `bearer/verify/`.
const FOR_GATEWAYS: [&str; 1] = ["/bearer/verify"];

impl Known {
    pub(super) fn method(&self) -> Method {
        if self.is_post { Method::POST } else { Method::GET }
    }

    pub(super) fn is_post(&self) -> bool {
        self.is_post
    }

    /// Its path with something in the place of its parameters.
    pub(super) fn example_path(&self) -> String {
        self.path.replace("{token}", "unknown").replace("{id}", "unknown")
    }

    /// The parameters of one nature.
    pub(super) fn urls(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.parameters.iter().filter(|parameter| parameter.nature == Url)
    }

    /// A valid request, but for the caller.
    pub(super) fn call<'a>(&self, stage: &'a Stage) -> Call<'a> {
        self.call_with(stage, &[], &json!({}))
    }

    /// The same with other values for parameters, and with `more` in the body of a POST.
    pub(super) fn call_with<'a>(&self, stage: &'a Stage, changed: &[(&Parameter, &str)], more: &Value) -> Call<'a> {
        let (mut path, mut query, mut body) = (self.path.to_owned(), Vec::new(), Map::new());
        for parameter in self.parameters {
            let other = changed.iter().find(|(it, _)| it.name == parameter.name && it.place == parameter.place);
            // What stands in one place twice over is told in the other alone.
            let is_elsewhere = changed.iter().any(|(it, _)| it.name == parameter.name && it.place != parameter.place);
            let value = match other {
                None if is_elsewhere => continue,
                Some((_, text)) => Value::from(*text),
                None if parameter.example.is_empty() => continue,
                None => serde_json::from_str(parameter.example).unwrap(),
            };
            let encoded = || component::encode(value.as_str().unwrap());
            match parameter.place {
                Place::Body => drop(body.insert(parameter.name.into(), value)),
                Place::Query => query.push(format!("{}={}", parameter.name, encoded())),
                Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &encoded()),
            }
        }
        let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        let call = stage.call(self.method(), &path);
        if !self.is_post {
            return call;
        }
        body.extend(more.as_object().unwrap().clone());
        call.json(body.into())
    }
}

/// What the source of an endpoint says of itself.
struct Source {
    methods: Vec<Method>,
    path: String,
    parameters: Vec<String>,
}

/// The sources of all endpoints, comments left out.
fn texts() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/endpoints")];
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plugins"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push(code.flat_map(|line| [line, "\n"]).collect());
        }
    }
    found
}

/// The paths of endpoints for gateways.
fn for_gateways() -> Vec<String> {
    let path = Regex::new(r#"const PATH: &str = "([^"]*)""#).unwrap();
    let texts = texts();
    let ones = texts.iter().filter(|code| code.contains("Route::for_gateways("));
    ones.map(|code| path.captures(code).unwrap()[1].to_owned()).collect()
}

/// Reads them.
fn sources() -> Vec<Source> {
    let route = Regex::new(r#"Route::(get|post|get_or_post)\(\s*(?:"([^"]*)"|self\.path)"#).unwrap();
    let read = Regex::new(r"(?s)fn read\(.*?\n    \}").unwrap();
    let parameter = Regex::new(r#"\.[a-z_]+\(\s*"([A-Za-z_]+)"\s*\)"#).unwrap();
    let mut found = Vec::new();
    for code in texts() {
        let parameters: Vec<String> = read
            .find_iter(&code)
            .flat_map(|block| parameter.captures_iter(block.as_str()).map(|it| it[1].to_owned()))
            .collect();
        for mounted in route.captures_iter(&code) {
            let methods = match &mounted[1] {
                "get" => vec![Method::GET],
                "post" => vec![Method::POST],
                _ => vec![Method::GET, Method::POST],
            };
            // The one whose path can be configured.
            let path = mounted.get(2).map_or("/reference", |path| path.as_str()).to_owned();
            found.push(Source { methods, path, parameters: parameters.clone() });
        }
    }
    found
}

#[test]
fn no_endpoint_and_no_parameter_is_missing_from_the_table() {
    let sources = sources();
    for source in sources.iter().filter(|source| !UNMOUNTED.contains(&&*source.path)) {
        for method in &source.methods {
            let known = ENDPOINTS.iter().find(|known| known.path == source.path && known.method() == method);
            let known = known.unwrap_or_else(|| panic!("{method} {} is not in the table", source.path));
            for name in &source.parameters {
                let is_known = known.parameters.iter().any(|parameter| parameter.name == name);
                assert!(is_known, "{name} of {method} {} is not in the table", source.path);
            }
        }
    }
    assert_eq!(for_gateways(), FOR_GATEWAYS, "one that is not known has no tests of its own");
    let mounted: usize = sources.iter().map(|source| source.methods.len()).sum();
    assert_eq!(mounted, ENDPOINTS.len() + UNMOUNTED.len(), "the table has an endpoint that is not there");
}

#[tokio::test]
async fn the_requests_of_the_table_reach_their_endpoints() {
    let stage = super::stage();
    for known in ENDPOINTS {
        let path = format!("/api/auth{}", known.example_path());
        assert_eq!(stage.auth.route_of(&known.method(), &path), Some(known.path));
        let stage = super::stage();
        let ann = stage.caller("ann").await;
        let answer = known.call(&stage).by(&ann).await;
        let is_ticket =
            |parameter: &Parameter| matches!(parameter.nature, Nature::Ticket(_)) && !parameter.example.is_empty();
        match known.path {
            "/get-session" if known.is_post => assert_eq!(answer.status, 405),
            "/callback/{id}" => assert_eq!(answer.status, 302, "{answer:?}"),
            "/unlink-account" | "/get-access-token" | "/refresh-token" | "/account-info" => {
                assert_eq!(answer.status, 400, "{answer:?}");
            }
            _ if known.parameters.iter().any(is_ticket) => {
                assert!(matches!(answer.status, 302 | 400 | 404), "{answer:?}");
            }
            path => assert_eq!(answer.status, 200, "{path}: {answer:?}"),
        }
        if known.needs_session {
            assert_eq!(known.call(&stage).await.code().0, 401, "{}", known.path);
        }
    }
}
