//! Labels and milestones of a project.

use serde_json::{Value, json};

use super::super::{
    access::PLANNER,
    call::Call,
    reply::{Answer, Reply},
    show,
    state::Label,
};
use super::{GET, POST, Route, route};

pub(super) const ROUTES: &[Route] = &[
    route(GET, "/projects/{id}/labels", labels),
    route(POST, "/projects/{id}/labels", create_label),
    route(GET, "/projects/{id}/milestones", milestones),
    route(GET, "/projects/{id}/milestones/{milestone_id}", milestone),
];

fn show_label(label: &Label) -> Value {
    json!({
        "id": label.id,
        "name": label.name,
        "color": label.color,
        "text_color": "#FFFFFF",
        "description": label.description,
        "description_html": label.description,
        "subscribed": false,
        "priority": null,
        "is_project_label": true,
        "archived": false,
    })
}

fn labels(call: &mut Call<'_>) -> Answer {
    let search = call.parameters.text("search").unwrap_or_default().to_lowercase();
    let mut found: Vec<Label> = call.project()?.labels.clone();
    found.retain(|label| label.name.to_lowercase().contains(&search));
    found.sort_by(|one, other| one.name.cmp(&other.name));
    call.page(&found, |_, label| show_label(label))
}

fn create_label(call: &mut Call<'_>) -> Answer {
    call.parameters.require(&["name", "color"])?;
    let at = call.project_at()?;
    call.require_level(at, PLANNER)?;
    let name = call.parameters.text("name").unwrap_or_default();
    let color = call.parameters.text("color").unwrap_or_default();
    let project = &call.state.projects[at];
    if project.labels.iter().any(|label| label.name == name) {
        return Err(Reply::message(409, "Label already exists"));
    }
    if name.trim().is_empty() || name.contains(',') {
        return Err(Reply::invalid("title", "is invalid"));
    }
    let label = Label { id: call.state.next_id(), name, color, description: call.parameters.text("description") };
    let shown = show_label(&label);
    call.state.projects[at].labels.push(label);
    Ok(Reply::created(shown))
}

fn milestones(call: &mut Call<'_>) -> Answer {
    let title = call.parameters.text("title");
    let search = call.parameters.text("search").unwrap_or_default().to_lowercase();
    let state = call.parameters.word("state", &["all", "active", "closed"])?.filter(|state| state != "all");
    let project = call.project()?;
    let mut found = project.milestones.clone();
    found.retain(|milestone| {
        title.as_ref().is_none_or(|title| *title == milestone.title)
            && state.as_ref().is_none_or(|state| *state == milestone.state)
            && milestone.title.to_lowercase().contains(&search)
    });
    call.page(&found, |call, milestone| show::project::milestone(call.site, project, milestone))
}

fn milestone(call: &mut Call<'_>) -> Answer {
    let (project, id) = (call.project()?, call.captured_number("milestone_id")?);
    let found = project.milestones.iter().find(|milestone| milestone.id == id);
    let found = found.ok_or_else(|| Reply::not_found("Milestone"))?;
    Ok(Reply::ok(show::project::milestone(call.site, project, found)))
}
