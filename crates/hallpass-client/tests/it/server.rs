//! The two servers that the text is read to.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::Request, middleware::Next, response::Response};
use hallpass::{
    Bearer, EmailAndPassword, Environment, Hallpass,
    oauth::{GenericOAuth, ProviderOptions, ReqwestClient},
    options::{
        AdditionalField, ChangeEmailOptions, DeleteUserOptions, EmailVerification, SessionOptions, Span, UserOptions,
    },
    store::Mode,
};
use hallpass_client::{AuthClient, Builder};
use hallpass_mail::FileMailer;
use hallpass_sql::SqlStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use crate::{npm::Node, provider::Provider};

const SECRET: &str = "a secret that only these tests know";

/// How a server is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Plain,
    /// Extends sessions at every look.
    Refreshing,
    /// Extends sessions when asked to.
    Deferring,
    /// Sends mails.
    Mails,
    /// Knows a provider.
    Provider,
}

/// A server that listens. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) provider: Option<tokio::sync::Mutex<Provider>>,
    pub(crate) doors: Doors,
    outbox: PathBuf,
    _folder: TempDir,
    serving: Serving,
}

enum Serving {
    Here(JoinHandle<()>),
    There { _node: Box<Node> },
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Serving::Here(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl Server {
    /// hallpass, in this process, with a database of its own.
    pub(crate) async fn hallpass(given: Given) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let outbox = folder.path().join("outbox.jsonl");
        let mut provider = None;
        if given == Given::Provider {
            provider = Provider::start().await;
        }
        let store = SqlStore::connect(&format!("sqlite://{}", folder.path().join("auth.db").display())).await.unwrap();
        let mut builder = Hallpass::builder()
            .environment(Environment::Development)
            .secret(SECRET)
            .base_url(url.as_str())
            .store(store)
            .email_and_password(EmailAndPassword::default())
            .plugin(Bearer::new());
        let field = || AdditionalField { required: Some(false), ..AdditionalField::default() };
        let mut user = UserOptions::default();
        user.additional_fields.insert("plan".into(), field());
        let mut session = SessionOptions::default();
        session.additional_fields.insert("theme".into(), field());
        if matches!(given, Given::Refreshing | Given::Deferring) {
            session.update_age = Some(Span::from_secs(0));
        }
        session.defer_session_refresh = given == Given::Deferring;
        if given == Given::Mails {
            user.change_email = ChangeEmailOptions { enabled: true, ..ChangeEmailOptions::default() };
            user.delete_user = DeleteUserOptions {
                enabled: true,
                send_delete_account_verification: Some(true),
                ..DeleteUserOptions::default()
            };
            let verification =
                EmailVerification { auto_sign_in_after_verification: true, ..EmailVerification::default() };
            builder = builder.mailer(FileMailer::new(&outbox)).email_verification(verification);
        }
        if let Some(provider) = &provider {
            let options = ProviderOptions {
                provider_id: "idp".into(),
                discovery_url: Some(provider.discovery_url()),
                client_id: provider.client_id.clone(),
                client_secret: Some(provider.client_secret.clone()),
                ..ProviderOptions::default()
            };
            builder = builder.http_client(ReqwestClient::new().unwrap()).plugin(GenericOAuth::new([options]));
        }
        let auth = builder.user(user).session(session).build().unwrap();
        auth.migrate(Mode::Apply).await.unwrap();
        let doors = Doors::default();
        let at_the_door = doors.clone();
        let hold = move |request: Request, next: Next| at_the_door.clone().hold(request, next);
        let app: Router = hallpass_axum::router(&auth).layer(axum::middleware::from_fn(hold));
        let serving = Serving::Here(tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }));
        let provider = provider.map(Into::into);
        Self { url, provider, doors, outbox, _folder: folder, serving }
    }

    /// The npm package, if it is installed.
    pub(crate) async fn npm(given: Given) -> Option<Self> {
        let mut node = Node::start(&["oracle.mjs"])?;
        let folder = tempfile::tempdir().unwrap();
        let outbox = folder.path().join("outbox.jsonl");
        // It listens before it is told what to be, and says where once it has been told that.
        node.tell(&Value::Null).await;
        let url = format!("http://127.0.0.1:{}", node.hear().await["port"]);
        let mut options = json!({
            "secret": SECRET,
            "baseURL": url,
            "logger": { "disabled": true },
            "emailAndPassword": { "enabled": true },
            "user": { "additionalFields": { "plan": { "type": "string", "required": false } } },
            "session": { "additionalFields": { "theme": { "type": "string", "required": false } } },
        });
        let mut plugins = json!({});
        let mut provider = None;
        match given {
            Given::Plain => {}
            Given::Refreshing => options["session"]["updateAge"] = 0.into(),
            Given::Deferring => {
                options["session"]["updateAge"] = 0.into();
                options["session"]["deferSessionRefresh"] = true.into();
            }
            Given::Mails => {
                options["emailAndPassword"]["sendResetPassword"] = true.into();
                options["emailVerification"] =
                    json!({ "sendVerificationEmail": true, "autoSignInAfterVerification": true });
                options["user"]["changeEmail"] = json!({ "enabled": true });
                options["user"]["deleteUser"] = json!({ "enabled": true, "sendDeleteAccountVerification": true });
            }
            Given::Provider => {
                let started = Provider::start().await?;
                let config = json!({
                    "providerId": "idp",
                    "discoveryUrl": started.discovery_url(),
                    "clientId": started.client_id,
                    "clientSecret": started.client_secret,
                });
                plugins["genericOAuth"] = json!({ "config": [config] });
                provider = Some(started.into());
            }
        }
        let database = folder.path().join("auth.db");
        node.tell(&json!({
            "options": options, "bearer": {}, "plugins": plugins, "database": database, "outbox": outbox,
        }))
        .await;
        node.hear().await;
        let serving = Serving::There { _node: node.into() };
        Some(Self { url, provider, doors: Doors::default(), outbox, _folder: folder, serving })
    }

    /// A client with a token of its own.
    pub(crate) fn client(&self) -> AuthClient {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> Builder {
        AuthClient::builder(&self.url)
    }

    /// The token of the last mail, of which there have to be so many by now.
    pub(crate) async fn mail(&self, count: usize) -> Value {
        for _ in 0..200 {
            let text = std::fs::read_to_string(&self.outbox).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines.len() <= count, "too many mails: {text}");
            if lines.len() == count && text.ends_with('\n') {
                return serde_json::from_str(lines[count - 1]).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("there are no {count} mails");
    }
}

/// Holds answers back until they are let out. A request names its door in the header `x-door`; the server has done its work by then.
#[derive(Clone, Default)]
pub(crate) struct Doors(Arc<Mutex<HashMap<String, Arc<Door>>>>);

#[derive(Default)]
struct Door {
    arrived: Notify,
    opened: Notify,
}

impl Doors {
    fn door(&self, name: &str) -> Arc<Door> {
        Arc::clone(self.0.lock().unwrap().entry(name.to_owned()).or_default())
    }

    async fn hold(self, request: Request, next: Next) -> Response {
        let name = request.headers().get("x-door").map(|name| name.to_str().unwrap().to_owned());
        let answer = next.run(request).await;
        if let Some(name) = name {
            let door = self.door(&name);
            door.arrived.notify_one();
            door.opened.notified().await;
        }
        answer
    }

    /// Waits until an answer stands at this door.
    pub(crate) async fn arrival(&self, name: &str) {
        self.door(name).arrived.notified().await;
    }

    pub(crate) fn open(&self, name: &str) {
        self.door(name).opened.notify_one();
    }
}
