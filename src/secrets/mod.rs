//! Tokens: where they are kept, and how they are kept from being seen.
