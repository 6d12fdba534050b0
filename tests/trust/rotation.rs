//! CA rotations by the command, judged by OpenSSL and Go.
mod bad_input;
mod commands;
mod exchange;
mod interrupted;
mod place;
mod stages;
