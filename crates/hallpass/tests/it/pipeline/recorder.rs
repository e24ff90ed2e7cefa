//! A plugin that writes down every stage at which it is asked, and can act at each.

use std::sync::{Arc, Mutex};

use hallpass::{
    ApiError, Bearer, BuildError, Builder, Context, Endpoint, Input, Requirement, Route,
    plugin::{AfterHook, BeforeHook, Flow, Intercepted, Plugin, Registrar, every, hook},
    wire::Reader,
};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{Stage, stage_with};

/// What happened, in order.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(super) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What happened since the last time this was called.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A before-hook that notes its name and goes on.
    pub(super) fn before(&self, name: &'static str) -> BeforeHook {
        let log = self.clone();
        hook(move |_| {
            log.note(format!("{name} before"));
            Box::pin(std::future::ready(Ok(Flow::Continue)))
        })
    }

    /// An after-hook that notes its name, and the error it is told of.
    pub(super) fn after(&self, name: &'static str) -> AfterHook {
        let log = self.clone();
        hook(move |cx| {
            let error = cx.error().map(|error| format!(" {}", error.status().as_u16())).unwrap_or_default();
            log.note(format!("{name} after{error}"));
            Box::pin(std::future::ready(Ok(())))
        })
    }
}

/// Notes every stage under its name.
pub(super) struct Recorder(pub(super) &'static str, pub(super) Log);

impl Plugin for Recorder {
    fn id(&self) -> &'static str {
        self.0
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        let (name, log) = (self.0, self.1.clone());
        registrar.before(every(), log.before(name));
        registrar.after(every(), log.after(name));
        let request_log = log.clone();
        registrar.on_request(Box::new(move |parts| {
            request_log.note(format!("{name} request"));
            Box::pin(std::future::ready(Intercepted::Pass(parts)))
        }));
        registrar.on_response(Box::new(move |response| {
            log.note(format!("{name} response {}", response.status().as_u16()));
            Box::pin(std::future::ready(response))
        }));
        Ok(())
    }
}

/// Adds `POST /probe`, which answers as its body asks (`{"then":"refuse"}`), and `/probe/mine`, which requires a session.
pub(super) struct Probe(pub(super) Log);

impl Plugin for Probe {
    fn id(&self) -> &'static str {
        "probe"
    }

    fn build(&self, registrar: &mut Registrar) -> Result<(), BuildError> {
        registrar.endpoint(ProbeEndpoint { path: "/probe", requires: Requirement::None, log: self.0.clone() });
        registrar.endpoint(ProbeEndpoint { path: "/probe/mine", requires: Requirement::Session, log: self.0.clone() });
        Ok(())
    }
}

struct ProbeEndpoint {
    path: &'static str,
    requires: Requirement,
    log: Log,
}

#[derive(Serialize, hallpass::schemars::JsonSchema)]
#[schemars(crate = "hallpass::schemars")]
pub(super) struct Then(String);

impl Input for Then {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.body().object().string("then").map(Self)
    }
}

impl Endpoint for ProbeEndpoint {
    type Input = Then;
    type Output = Value;

    fn route(&self) -> Route {
        Route::post(self.path).requires(self.requires)
    }

    async fn handle(&self, cx: &mut Context, Then(then): Then) -> Result<Value, ApiError> {
        self.log.note("endpoint");
        cx.outgoing_mut().set_header("x-probe".parse().unwrap(), "1".parse().unwrap());
        match &*then {
            "ok" => Ok(json!({"then": "ok"})),
            "refuse" => Err(ApiError::coded(StatusCode::IM_A_TEAPOT, "TEAPOT", "I am a teapot")),
            "message" => Err(ApiError::message(StatusCode::CONFLICT, "No code")),
            "empty" => Err(ApiError::empty(StatusCode::NOT_FOUND)),
            "redirect" => Err(ApiError::redirect("/elsewhere")),
            "burst" => Err(ApiError::unexpected("the cause is for the operator")),
            other => panic!("a test asks for {other}"),
        }
    }
}

/// A stage with user hooks, a recorder before bearer and one after it, and the probe.
pub(super) fn recorded(configure: impl FnOnce(Builder) -> Builder) -> (Stage, Log) {
    let log = Log::default();
    let stage = stage_with(|builder| {
        let builder = builder.plugin(Recorder("first", log.clone())).plugin(Bearer::new());
        let builder = builder.plugin(Recorder("second", log.clone())).plugin(Probe(log.clone()));
        // Said last and still run first: user hooks come before those of plugins.
        configure(builder.before(log.before("user")).after(log.after("user")))
    });
    (stage, log)
}
