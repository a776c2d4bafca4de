//! Protected branches and tags: who may do what with which names.

use super::State;

/// A rule that protects branches or tags.
#[derive(Debug, Clone)]
pub struct Protection {
    /// A name, in which `*` stands for any characters.
    pub name: String,
    /// Who may push or, for tags, create: the lowest access level, 0 for no one.
    pub push_level: u32,
    /// Who may merge: the lowest access level, 0 for no one. Without meaning for tags.
    pub merge_level: u32,
    /// Single users who may push (or create) and merge in any case.
    pub users: Vec<u64>,
    /// Whether those who may push may also replace what is there.
    pub allow_force_push: bool,
}

impl Protection {
    /// A rule for a name and the lowest levels that may push and merge.
    pub fn new(name: &str, push_level: u32, merge_level: u32) -> Self {
        Self { name: name.to_owned(), push_level, merge_level, users: vec![], allow_force_push: false }
    }

    pub(in crate::rehearsal) fn lets_push(&self, user: u64, level: u32) -> bool {
        self.users.contains(&user) || (self.push_level > 0 && level >= self.push_level)
    }

    pub(in crate::rehearsal) fn lets_merge(&self, user: u64, level: u32) -> bool {
        self.users.contains(&user) || (self.merge_level > 0 && level >= self.merge_level)
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters, also `/`.
pub(in crate::rehearsal) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl State {
    /// Protects branches. A rule of the same name is replaced.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn protect_branch(&mut self, project: u64, name: &str, push_level: u32, merge_level: u32) {
        let rules = &mut self.project_by_id_mut(project).protected_branches;
        rules.retain(|rule| rule.name != name);
        rules.push(Protection::new(name, push_level, merge_level));
    }

    /// Protects tags. A rule of the same name is replaced.
    ///
    /// # Panics
    /// When there is no such project.
    pub fn protect_tag(&mut self, project: u64, name: &str, create_level: u32) {
        let rules = &mut self.project_by_id_mut(project).protected_tags;
        rules.retain(|rule| rule.name != name);
        rules.push(Protection::new(name, create_level, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fits) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("stable-*", "stable-18-4-ee", true),
            ("stable-*-ee", "stable-18-4-ee", true),
            ("stable-*-ee", "stable-ee", false),
            ("*", "a/b", true),
            ("*-stable-ee", "18-4-stable-ee", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), fits, "{pattern} {name}");
        }
    }
}
