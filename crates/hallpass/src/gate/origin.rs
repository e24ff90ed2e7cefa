//! Where a request may come from, and where it may send the browser (CONTRACT §9).
//!
//! A browser sends cookies along with requests that another site made it send. So a request with a `Cookie` header must name a
//! trusted origin; one without cannot act for anybody by itself and need not, which is what lets bearer clients do without
//! an `Origin`. All of it looks at the headers as they came, never at what a hook made of them.

use http::{Method, header};
use serde_json::Value;
use url::Url;

use super::{
    TrustedOrigins,
    trusted_origins::{is_safe_path, origin_of},
};
use crate::{
    error::{ApiError, ErrorCode},
    options::DisableOriginCheck,
    request::Request,
    wire::header_text,
};

/// The checks, as configured.
#[derive(Debug)]
pub(crate) struct OriginCheck {
    pub(crate) trusted: TrustedOrigins,
    /// Without a configured base URL every request's own origin is trusted.
    pub(crate) trust_own: bool,
    pub(crate) csrf_disabled: Option<bool>,
    pub(crate) disabled: Option<DisableOriginCheck>,
}

impl OriginCheck {
    /// Stage 6: every request that is no GET, HEAD or OPTIONS (CONTRACT §9.1).
    pub(crate) fn check(&self, request: &Request) -> Result<(), ApiError> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        self.check_origin(request, false)?;
        if self.is_skipped(request) { Ok(()) } else { self.check_redirects(request) }
    }

    /// The check of forms that sign somebody in (CONTRACT §9.2): another site must not sign its visitor in as somebody else.
    pub(crate) fn check_form(&self, request: &Request) -> Result<(), ApiError> {
        let headers = request.original_headers();
        if self.is_csrf_unchecked() {
            return Ok(());
        }
        if headers.contains_key(header::COOKIE) {
            return self.check_origin(request, false);
        }
        let [site, mode, dest] =
            ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"].map(|name| header_text(headers, name));
        if [&site, &mode, &dest].iter().any(|value| value.as_ref().is_some_and(|value| !value.trim().is_empty())) {
            if site.as_deref() == Some("cross-site") && mode.as_deref() == Some("navigate") {
                return Err(ErrorCode::CrossSiteNavigationLoginBlocked.into());
            }
            return self.check_origin(request, true);
        }
        let names_origin =
            ["origin", "referer"].iter().any(|name| header_text(headers, name).is_some_and(|it| !it.is_empty()));
        if names_origin { self.check_origin(request, true) } else { Ok(()) }
    }

    /// The check of the query's `callbackURL` on endpoints that send browsers there (CONTRACT §9.3).
    pub(crate) fn check_callback_url(&self, request: &Request) -> Result<(), ApiError> {
        let target = request.query().text("callbackURL").filter(|url| !url.is_empty());
        match target {
            Some(url) if !self.is_skipped(request) && !self.trusts_redirect(request, url) => {
                tracing::warn!(
                    url = shortened(url),
                    "callbackURL is not trusted; add its origin to trusted_origins if it is yours"
                );
                Err(ErrorCode::InvalidCallbackUrl.into())
            }
            _ => Ok(()),
        }
    }

    fn check_origin(&self, request: &Request, always: bool) -> Result<(), ApiError> {
        let headers = request.original_headers();
        if self.is_csrf_unchecked() || self.is_skipped(request) || !(always || headers.contains_key(header::COOKIE)) {
            return Ok(());
        }
        let origin = header_text(headers, "origin");
        // A sandboxed page of our own has a null origin, and the browser vouches for where it came from.
        let is_own_page = origin.as_deref() == Some("null")
            && header_text(headers, "sec-fetch-site").as_deref() == Some("same-origin");
        let named =
            || origin.filter(|it| !it.is_empty()).or_else(|| header_text(headers, "referer")).unwrap_or_default();
        let candidate = if is_own_page { request.own_origin() } else { None }.unwrap_or_else(named);
        if candidate.is_empty() || candidate == "null" {
            return Err(ErrorCode::MissingOrNullOrigin.into());
        }
        if self.trusts_origin(request, &candidate) {
            return Ok(());
        }
        tracing::warn!(
            origin = shortened(&candidate),
            "request from an origin that is not trusted; add it to trusted_origins if it is yours"
        );
        Err(ErrorCode::InvalidOrigin.into())
    }

    /// Redirect targets are checked on every endpoint, whether or not it knows them (CONTRACT §9.1 part B).
    fn check_redirects(&self, request: &Request) -> Result<(), ApiError> {
        let body = request.body();
        let field = |name: &str| body.as_deref().and_then(|body| body.get(name)).filter(|value| is_truthy(value));
        let callback = field("callbackURL").or_else(|| request.query().as_map().get("callbackURL"));
        for (target, label, refusal) in [
            (callback, "callbackURL", ErrorCode::InvalidCallbackUrl),
            (field("redirectTo"), "redirectURL", ErrorCode::InvalidRedirectUrl),
            (field("errorCallbackURL"), "errorCallbackURL", ErrorCode::InvalidErrorCallbackUrl),
            (field("newUserCallbackURL"), "newUserCallbackURL", ErrorCode::InvalidNewUserCallbackUrl),
        ] {
            match target.filter(|value| is_truthy(value)) {
                None => {}
                Some(Value::String(url)) if self.trusts_redirect(request, url) => {}
                Some(Value::String(url)) => {
                    tracing::warn!(
                        url = shortened(url),
                        "{label} is not trusted; add its origin to trusted_origins if it is yours"
                    );
                    return Err(refusal.into());
                }
                Some(_) => {
                    let message = format!("Invalid {label}: expected a string");
                    return Err(ApiError::message(http::StatusCode::BAD_REQUEST, message));
                }
            }
        }
        Ok(())
    }

    fn trusts_origin(&self, request: &Request, origin: &str) -> bool {
        self.trusted.trusts_origin(origin) || self.is_own(request, origin)
    }

    fn trusts_redirect(&self, request: &Request, url: &str) -> bool {
        self.trusted.trusts_redirect(url) || self.is_own(request, url) || self.trust_own && is_safe_path(url)
    }

    fn is_own(&self, request: &Request, url: &str) -> bool {
        let origin = || Url::parse(url).ok().as_ref().and_then(origin_of);
        self.trust_own && request.own_origin().is_some_and(|own| origin() == Some(own))
    }

    fn is_csrf_unchecked(&self) -> bool {
        let everywhere = self.disabled == Some(DisableOriginCheck::Everywhere(true));
        self.csrf_disabled.unwrap_or(everywhere)
    }

    fn is_skipped(&self, request: &Request) -> bool {
        match &self.disabled {
            None => false,
            Some(DisableOriginCheck::Everywhere(everywhere)) => *everywhere,
            Some(DisableOriginCheck::Paths(paths)) => paths.iter().any(|skipped| {
                let below = request.path().strip_prefix(skipped.trim_end_matches('/'));
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

/// What a log line has room for. What follows `?` may hold a token and is nobody's business.
fn shortened(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len()).min(200);
    url.get(..end).unwrap_or_default()
}

/// What ECMAScript takes for true.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
