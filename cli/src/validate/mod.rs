//! The strict readers of the protocols, one file each: what a request breaks, as a list. They answer no request, print
//! nothing, and share no code with the library's encoders, so that an error in one is not hidden by the other.

pub mod form;
pub mod ga4;
pub mod json;
pub mod otlp;
pub mod ua;
