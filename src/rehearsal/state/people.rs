//! Users, their tokens, and who is a member of what.

use super::State;

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// The id.
    pub id: u64,
    /// The name to sign in and to mention.
    pub username: String,
    /// The name for people.
    pub name: String,
    /// `active` or `blocked`.
    pub state: String,
    /// The address in commits.
    pub email: String,
    /// Whether a program acts under this name.
    pub bot: bool,
}

/// What a token is, which decides where it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenKind {
    /// Of a person, a project or a group.
    #[default]
    Personal,
    /// From a sign-in by OAuth: only as `Bearer`.
    OAuth,
    /// Of a running job: only as `JOB-TOKEN`, and on few endpoints.
    Job,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// Whose it is.
    pub user: u64,
    /// What it may be used for, such as `api` or `read_api`.
    pub scopes: Vec<&'static str>,
    /// The day at whose beginning it dies, `YYYY-MM-DD`.
    pub expires_at: Option<String>,
    /// Whether it was taken back.
    pub revoked: bool,
    /// What it is.
    pub kind: TokenKind,
}

impl TokenSpec {
    /// A personal token with the scope `api`.
    pub fn of(user: u64) -> Self {
        Self { user, scopes: vec!["api"], expires_at: None, revoked: false, kind: TokenKind::Personal }
    }
}

/// A token.
#[derive(Clone)]
pub struct Token {
    /// The id.
    pub id: u64,
    /// The token itself.
    pub secret: String,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub user: u64,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// The day at whose beginning it dies, `YYYY-MM-DD`.
    pub expires_at: Option<String>,
    /// Whether it was taken back.
    pub revoked: bool,
    /// What it is.
    pub kind: TokenKind,
}

/// Without the secret: states end up in messages of failed tests.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// A membership.
#[derive(Debug, Clone)]
pub struct Member {
    /// Who.
    pub user: u64,
    /// 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner.
    pub access_level: u32,
    /// The day at whose beginning it ends, `YYYY-MM-DD`.
    pub expires_at: Option<String>,
}

/// A group; its members are members of every project below its path.
#[derive(Debug, Clone)]
pub struct Group {
    /// The id.
    pub id: u64,
    /// The full path.
    pub path: String,
    /// Its direct members.
    pub members: Vec<Member>,
}

impl State {
    /// Adds an account and returns its id.
    pub fn add_user(&mut self, username: &str, name: &str) -> u64 {
        let id = self.next_id();
        let email = format!("{username}@example.com");
        let (username, name) = (username.to_owned(), name.to_owned());
        self.users.push(User { id, username, name, state: "active".into(), email, bot: false });
        id
    }

    /// Adds a token and returns its id.
    pub fn add_token(&mut self, secret: &str, spec: TokenSpec) -> u64 {
        let id = self.next_id();
        self.tokens.push(Token {
            id,
            secret: secret.to_owned(),
            name: format!("token {id}"),
            user: spec.user,
            scopes: spec.scopes.into_iter().map(str::to_owned).collect(),
            expires_at: spec.expires_at,
            revoked: spec.revoked,
            kind: spec.kind,
        });
        id
    }

    /// Adds a group and returns its id.
    pub fn add_group(&mut self, path: &str) -> u64 {
        let id = self.next_id();
        self.groups.push(Group { id, path: path.to_owned(), members: vec![] });
        id
    }

    /// Makes somebody a member of a group, and so of everything below it. A group that there is not
    /// gets no member.
    pub fn add_group_member(&mut self, group: u64, user: u64, access_level: u32) {
        for group in self.groups.iter_mut().filter(|known| known.id == group) {
            group.members.retain(|member| member.user != user);
            group.members.push(Member { user, access_level, expires_at: None });
        }
    }

    /// Makes somebody a direct member of a project.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn add_member(&mut self, project: u64, user: u64, access_level: u32) {
        let members = &mut self.project_by_id_mut(project).members;
        members.retain(|member| member.user != user);
        members.push(Member { user, access_level, expires_at: None });
    }

    /// Somebody by id.
    pub fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// Somebody by the name to sign in, whatever its case.
    pub fn user_named(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username.eq_ignore_ascii_case(username))
    }
}

/// The name of an access level as protection rules describe it.
pub(in crate::rehearsal) fn level_name(level: u32) -> &'static str {
    match level {
        0 => "No one",
        30 => "Developers + Maintainers",
        40 => "Maintainers",
        60 => "Instance admins",
        _ => "Others",
    }
}
