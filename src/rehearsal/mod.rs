//! The local GitLab: a server with the endpoints that git-secfix uses, over real repositories.
