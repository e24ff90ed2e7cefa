//! The way of a request through the server (CONTRACT §§1 to 3, 9, 10, 16).

mod bodies;
mod client_ip;
mod contributions;
mod cookies;
mod headers;
mod hooks;
mod interceptors;
mod limits;
mod order;
mod origin;
mod recorder;
mod routing;
mod stored_limits;
