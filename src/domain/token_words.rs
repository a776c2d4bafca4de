//! What a token may be used for, as the server says it.

use super::server_word::server_words;

server_words! {
    /// A scope of an access token.
    pub enum Scope {
        /// Everything that its owner may do by the API.
        Api = "api",
        /// Looking at everything.
        ReadApi = "read_api",
    }
}
