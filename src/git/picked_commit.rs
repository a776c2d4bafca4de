//! The commit that a pick makes: author, message and encoding of the original byte by byte, a new
//! committer, no signature but the user's own, and the line that says where it comes from.

use std::ffi::OsString;

use gix::{
    bstr::{BStr, ByteSlice},
    objs::Kind,
};

use crate::domain::trailers::PICKED;

use super::{GitError, LocalClone, history::Id, local_config, objects::Objects, process::Running};

/// Writes the commits of picks.
pub struct Committer {
    line: String,
    signs: bool,
}

/// A committer that git is being asked for while other things are done.
pub struct PendingCommitter {
    running: Option<Running>,
    committer: Option<Committer>,
    signs: bool,
}

impl PendingCommitter {
    /// Waits for the answer, the first time.
    ///
    /// # Errors
    /// When git does not know who commits.
    pub fn get(&mut self) -> Result<&Committer, GitError> {
        if let Some(running) = self.running.take() {
            self.committer = Some(Committer { line: running.read()?, signs: self.signs });
        }
        let why = || GitError::Repository { what: "tell who commits", why: "git did not say".to_owned() };
        self.committer.as_ref().ok_or_else(why)
    }
}

impl Committer {
    /// Asks git who commits, as of now.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn ask(clone: &LocalClone) -> Result<PendingCommitter, GitError> {
        let running = clone.git().start(&["var", "GIT_COMMITTER_IDENT"])?;
        Ok(PendingCommitter {
            running: Some(running),
            committer: None,
            signs: local_config::is_true(clone, "commit.gpgSign"),
        })
    }

    /// The same, for commits that nobody will see.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn unsigned(clone: &LocalClone) -> Result<PendingCommitter, GitError> {
        Ok(PendingCommitter { signs: false, ..Self::ask(clone)? })
    }

    /// Name, address and time.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// Writes the commit that a pick of `original` onto `parent` makes, with this tree.
    ///
    /// # Errors
    /// When the original cannot be read, or the new commit not be written or signed.
    pub fn write(
        &self,
        clone: &LocalClone,
        objects: &Objects,
        original: Id,
        tree: Id,
        parent: Id,
    ) -> Result<Id, GitError> {
        let bytes = objects.read(clone, original)?;
        let message = Original::read(&bytes).message_with_origin(original);
        let original = Original::read(&bytes);
        if self.signs {
            return sign(clone, objects, &original, &message, tree, parent);
        }
        let mut new = format!("tree {tree}\nparent {parent}\n").into_bytes();
        let committer = format!("committer {}", self.line).into_bytes();
        for header in [Some(original.author), Some(&committer), original.encoding].into_iter().flatten() {
            new.extend_from_slice(header);
            new.push(b'\n');
        }
        new.push(b'\n');
        new.extend_from_slice(&message);
        objects.write(clone, Kind::Commit, &new)
    }
}

/// The message of a pick: that of the original, and where it comes from.
///
/// # Errors
/// When the original cannot be read.
pub fn message(clone: &LocalClone, original: Id) -> Result<(Vec<u8>, Option<String>), GitError> {
    let bytes = Objects::kept().read(clone, original)?;
    let read = Original::read(&bytes);
    Ok((read.message_with_origin(original), read.encoding_name()))
}

/// The parts of a commit that a pick keeps.
struct Original<'a> {
    /// The whole header, with its name.
    author: &'a [u8],
    encoding: Option<&'a [u8]>,
    message: &'a [u8],
}

impl<'a> Original<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let (headers, message) = match bytes.find("\n\n") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => (bytes, &b""[..]),
        };
        let header = |name: &str| headers.lines().find(|line| line.starts_with(name.as_bytes()));
        Self { author: header("author ").unwrap_or_default(), encoding: header("encoding "), message }
    }

    fn encoding_name(&self) -> Option<String> {
        let name = self.encoding?.strip_prefix(b"encoding ")?;
        Some(name.to_str_lossy().into_owned())
    }

    fn message_with_origin(&self, id: Id) -> Vec<u8> {
        let mut message = self.message.to_vec();
        if !message.ends_with(b"\n") {
            message.push(b'\n');
        }
        if !ends_with_trailers(&message) {
            message.push(b'\n');
        }
        message.extend_from_slice(format!("{PICKED}{id})\n").as_bytes());
        message
    }
}

/// Whether the last paragraph of a message is made of trailers, by the rules of git's `trailer.c`: all
/// lines are, or a quarter is and git made one of them. The title is never one.
fn ends_with_trailers(message: &[u8]) -> bool {
    let is_blank = |line: &&[u8]| line.trim().is_empty();
    let body = message.lines().skip_while(|line| !is_blank(line));
    let lines: Vec<&[u8]> = body.filter(|line| !line.starts_with(b"#")).collect();
    let last = lines.iter().rev().skip_while(|line| is_blank(line)).take_while(|line| !is_blank(line));
    let (mut trailers, mut others, mut continuations, mut by_git) = (0, 0, 0, false);
    for line in last {
        if line.starts_with(b"Signed-off-by: ") || line.starts_with(PICKED.as_bytes()) {
            (trailers, continuations, by_git) = (trailers + 1, 0, true);
        } else if line[0].is_ascii_whitespace() {
            continuations += 1;
        } else if is_trailer(line) {
            (trailers, continuations) = (trailers + 1, 0);
        } else {
            (others, continuations) = (others + 1 + continuations, 0);
        }
    }
    others += continuations;
    (by_git && trailers * 3 >= others) || (trailers > 0 && others == 0)
}

/// `Name: value`, with white space before the colon at most at the end of the name.
fn is_trailer(line: &[u8]) -> bool {
    let Some(colon) = line.find_byte(b':') else { return false };
    let name = line[..colon].trim_end();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Has git write the commit, which knows how the user signs.
fn sign(
    clone: &LocalClone,
    objects: &Objects,
    original: &Original<'_>,
    message: &[u8],
    tree: Id,
    parent: Id,
) -> Result<Id, GitError> {
    let what = "sign a commit";
    let malformed = || GitError::Repository { what, why: "its author cannot be read".to_owned() };
    let author = original.author.strip_prefix(b"author ").ok_or_else(malformed)?;
    let (name, rest) = author.split_once_str(b" <").ok_or_else(malformed)?;
    let (email, time) = rest.rsplit_once_str(b"> ").ok_or_else(malformed)?;
    let os = |bytes: &[u8]| {
        let text = gix::path::from_bstr(BStr::new(bytes)).map_err(GitError::wrap_gix(what))?;
        Ok::<OsString, GitError>(text.into_owned().into_os_string())
    };
    let mut date = OsString::from("@");
    date.push(os(time)?);
    let git = clone.git().with("GIT_AUTHOR_NAME", os(name)?).with("GIT_AUTHOR_EMAIL", os(email)?);
    let git = objects.shared_with(clone, git.with("GIT_AUTHOR_DATE", date));
    let encoding = original.encoding_name().unwrap_or_else(|| "UTF-8".to_owned());
    let encoding = format!("i18n.commitEncoding={encoding}");
    let arguments =
        ["-c", encoding.as_str(), "commit-tree", "-S", "-p", &parent.to_string(), &tree.to_string()].map(str::to_owned);
    let ended = git.feed(&arguments, message)?;
    if !ended.success {
        return Err(ended.error("commit-tree -S"));
    }
    Id::from_hex(ended.stdout.trim().as_bytes()).map_err(|error| GitError::Repository { what, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_stands_with_the_trailers() {
        for (message, ends) in [
            ("Title\n", false),
            ("Key: like a trailer, but the title\n", false),
            ("Title\n\nA text.\n", false),
            ("Title\n\nA text.\n\nChangelog: security\n", true),
            ("Title\n\nChangelog: security\n  continued\n\n\n", true),
            ("Title\n\nSigned-off-by: A <a@b>\nnone\nof\nthese\n", true),
            ("Title\n\nSigned-off-by: A <a@b>\nnone\nof\nthese\nis\n", false),
            ("Title\n\nRef: x\nno trailer\n", false),
            ("Title\n\n(cherry picked from commit 0123)\n", true),
            ("Title\n\nhttps://x\n", true),
            ("Title\n\nno name: y\n", false),
            ("", false),
        ] {
            assert_eq!(ends_with_trailers(message.as_bytes()), ends, "{message}");
        }
    }

    #[test]
    fn what_a_pick_keeps_is_kept_byte_by_byte() {
        let bytes =
            b"tree 1\nparent 2\nauthor A \xfc <a@b> 1 +051800\ncommitter C <c@d> 2 +0000\ngpgsig X\n author N <n@n>\n\
            encoding ISO-8859-1\n\nT\xfctle";
        let original = Original::read(bytes);
        assert_eq!(original.author, b"author A \xfc <a@b> 1 +051800");
        assert_eq!(original.encoding_name().as_deref(), Some("ISO-8859-1"));
        let message = original.message_with_origin(Id::null(gix::hash::Kind::Sha1));
        assert_eq!(message, [b"T\xfctle\n\n(cherry picked from commit ", &b"0".repeat(40)[..], b")\n"].concat());
    }
}
