//! Who is a member of a project or group.

use serde_json::{Value, json};

use super::super::{
    access,
    call::Call,
    reply::{Answer, Reply},
    show,
    state::Member,
};
use super::{GET, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/members", direct_members),
    route(GET, "/projects/{id}/members/{user_id}", direct_member),
    route(GET, "/projects/{id}/members/all", all_members),
    route(GET, "/projects/{id}/members/all/{user_id}", any_member),
    route(GET, "/groups/{id}/members", group_members),
    route(GET, "/groups/{id}/members/all", group_members),
];

fn show_member(call: &Call<'_>, member: &Member) -> Value {
    let mut shown = show::user(call.site, call.state, member.user);
    shown["access_level"] = json!(member.access_level);
    shown["expires_at"] = json!(member.expires_at);
    shown["membership_state"] = json!("active");
    shown
}

/// Everybody with their highest level, from a project or group and all that is above it.
fn gathered(call: &Call<'_>, path: &str, own: &[Member]) -> Vec<Member> {
    let above =
        call.state.groups.iter().filter(|group| {
            path == group.path || path.strip_prefix(&group.path).is_some_and(|rest| rest.starts_with('/'))
        });
    let mut gathered: Vec<Member> = vec![];
    for member in own.iter().chain(above.flat_map(|group| &group.members)) {
        match gathered.iter_mut().find(|known| known.user == member.user) {
            Some(known) if known.access_level >= member.access_level => {}
            Some(known) => *known = member.clone(),
            None => gathered.push(member.clone()),
        }
    }
    gathered
}

fn members_of(call: &Call<'_>) -> Result<Vec<Member>, Reply> {
    let project = call.project()?;
    Ok(gathered(call, &project.path, &project.members))
}

fn find(call: &Call<'_>, members: &[Member]) -> Answer {
    let id = call.captured_number("user_id")?;
    let member = members.iter().find(|member| member.user == id).ok_or_else(|| Reply::not_found("Member"))?;
    Ok(Reply::ok(show_member(call, member)))
}

fn direct_members(call: &mut Call<'_>) -> Answer {
    let members = call.project()?.members.clone();
    call.page(&members, |call, member| show_member(call, member))
}

fn direct_member(call: &mut Call<'_>) -> Answer {
    find(call, &call.project()?.members)
}

fn all_members(call: &mut Call<'_>) -> Answer {
    call.page(&members_of(call)?, |call, member| show_member(call, member))
}

fn any_member(call: &mut Call<'_>) -> Answer {
    find(call, &members_of(call)?)
}

fn group_members(call: &mut Call<'_>) -> Answer {
    let key = call.capture("id");
    let fits = |path: &str, id: u64| path.eq_ignore_ascii_case(key) || key.parse() == Ok(id);
    let group = call.state.groups.iter().find(|group| fits(&group.path, group.id));
    let group = group.ok_or_else(|| Reply::not_found("Group"))?;
    // A group that one is not in can be seen through a project of it that can be seen.
    let inside = format!("{}/", group.path);
    let user = call.caller.user();
    let sees = user.is_some_and(|user| access::group_level(call.state, &group.path, user) > 0)
        || call
            .state
            .projects
            .iter()
            .any(|project| project.path.starts_with(&inside) && access::sees_project(call.state, project, user));
    if !sees {
        return Err(Reply::not_found("Group"));
    }
    let members = if call.path.ends_with("/all") { gathered(call, &group.path, &[]) } else { group.members.clone() };
    call.page(&members, |call, member| show_member(call, member))
}
