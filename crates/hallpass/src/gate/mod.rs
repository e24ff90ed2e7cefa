//! What a request has to get past before it reaches an endpoint: the rate limiter and the origin check.

pub(crate) mod client_ip;
mod counters;
mod glob;
pub(crate) mod origin;
pub(crate) mod rate_limit;
pub(crate) mod stored_counters;
mod trusted_origins;

pub(crate) use client_ip::ClientIps;
pub(crate) use rate_limit::{RateLimiter, Refusal};
pub(crate) use stored_counters::StoredCounters;
pub(crate) use trusted_origins::{TrustedOrigins, origin_of};
