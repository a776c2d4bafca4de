//! The API of GitLab: the transport, and one file per resource.
