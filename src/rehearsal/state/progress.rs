//! How jobs go on, and what becomes of their pipelines.

use jiff::Timestamp;

use super::{Job, Pipeline, State, pipeline::is_final};

impl State {
    /// Sets the status of a pipeline, when there is one with this id.
    pub fn set_pipeline_status(&mut self, id: u64, status: &str) {
        let now = self.now();
        if let Some(pipeline) = self.pipeline_mut(id) {
            pipeline.status = status.to_owned();
            pipeline.updated_at = now;
        }
    }

    /// Sets the status of the latest job or bridge of this name in a pipeline. The status of the
    /// pipeline stays.
    pub fn set_job_status(&mut self, pipeline: u64, name: &str, status: &str) {
        let now = self.now();
        let Some(pipeline) = self.pipeline_mut(pipeline) else { return };
        let bridges = pipeline.bridges.iter_mut().map(|bridge| &mut bridge.job);
        for job in pipeline.jobs.iter_mut().chain(bridges).filter(|job| job.name == name && !job.retried) {
            job.change_status(status, now);
        }
    }
}

impl Job {
    /// Sets the status with what follows from it.
    pub(in crate::rehearsal) fn change_status(&mut self, status: &str, now: Timestamp) {
        self.status = status.to_owned();
        if matches!(status, "running" | "success" | "failed") && self.started_at.is_none() {
            self.started_at = Some(now);
        }
        self.finished_at = is_final(status).then_some(now);
        self.failure_reason = (status == "failed").then(|| "script_failure".into());
    }

    /// Whether it has not ended.
    pub(in crate::rehearsal) fn is_active(&self) -> bool {
        !is_final(&self.status)
    }

    /// Takes the next of what was foreseen; whether there was anything.
    fn go_on(&mut self, now: Timestamp) -> bool {
        if self.coming.is_empty() {
            return false;
        }
        let next = self.coming.remove(0);
        self.change_status(&next, now);
        true
    }
}

impl Pipeline {
    /// A job or bridge.
    pub(in crate::rehearsal) fn job(&self, id: u64) -> Option<&Job> {
        self.jobs.iter().chain(self.bridges.iter().map(|bridge| &bridge.job)).find(|job| job.id == id)
    }

    /// A job or bridge, to be changed.
    pub(in crate::rehearsal) fn job_mut(&mut self, id: u64) -> Option<&mut Job> {
        let bridges = self.bridges.iter_mut().map(|bridge| &mut bridge.job);
        self.jobs.iter_mut().chain(bridges).find(|job| job.id == id)
    }

    /// Lets jobs that were played go on by one status.
    pub(in crate::rehearsal) fn go_on(&mut self, now: Timestamp) {
        let bridges = self.bridges.iter_mut().map(|bridge| &mut bridge.job);
        let moved = self.jobs.iter_mut().chain(bridges).filter_map(|job| job.go_on(now).then_some(())).count();
        if moved > 0 {
            self.settle(now);
        }
    }

    /// Works out the status from the jobs.
    pub(in crate::rehearsal) fn settle(&mut self, now: Timestamp) {
        let jobs = self.jobs.iter().chain(self.bridges.iter().map(|bridge| &bridge.job));
        let counted: Vec<_> = jobs.filter(|job| !job.retried).collect();
        let any = |wanted: &[&str]| counted.iter().any(|job| wanted.contains(&job.status.as_str()));
        let blocks = |wanted: &str| counted.iter().any(|job| job.status == wanted && !job.allow_failure);
        let status = if any(&["running"]) {
            "running"
        } else if any(&["pending"]) {
            if any(&["success", "failed"]) { "running" } else { "pending" }
        } else if blocks("failed") {
            "failed"
        } else if blocks("canceled") {
            "canceled"
        } else if blocks("manual") {
            "manual"
        } else if any(&["success"]) {
            "success"
        } else {
            return;
        };
        self.status = status.to_owned();
        self.updated_at = now;
    }
}
