//! The server: its threads, its connections, and what tests can do to it while it runs.

use std::{
    convert::Infallible,
    io,
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{runtime::Runtime, sync::oneshot};

use super::{
    faults::{Faults, Injected},
    log::{Log, Logged},
    service::Service,
    shared::Shared,
    site::Site,
    state::State,
};

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the bare repositories: `<path of the project>.git`.
    pub repositories: PathBuf,
    /// The relative URL root such as `gitlab`; empty for none.
    pub root: String,
    /// The git program to use.
    pub git: PathBuf,
    /// The port; 0 for any that is free.
    pub port: u16,
}

impl Options {
    /// A server on any port, without a relative root, with the `git` of the `PATH`.
    pub fn at(repositories: impl Into<PathBuf>) -> Self {
        Self { repositories: repositories.into(), root: String::new(), git: "git".into(), port: 0 }
    }
}

/// A running server. It stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts on 127.0.0.1, on threads of its own.
    ///
    /// # Errors
    /// When the port is taken or threads cannot be started.
    pub fn start(options: Options, state: State) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port))?;
        listener.set_nonblocking(true)?;
        let root = match options.root.trim_matches('/') {
            "" => String::new(),
            root => format!("/{root}"),
        };
        let site = Site {
            url: format!("http://{}{root}", listener.local_addr()?),
            root,
            repositories: std::path::absolute(options.repositories)?,
            git: options.git,
        };
        let shared = Shared { site, log: Log::new(), faults: Faults::default(), state: Mutex::new(state) };
        let shared = Arc::new(shared);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("local-gitlab")
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let service = Service::new(Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("local-gitlab".into())
            .spawn(move || run(runtime, listener, service, stopped))?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, with the relative root when there is one.
    pub fn url(&self) -> String {
        self.shared.site.url.clone()
    }

    /// Reads or changes the state, while no request does.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.shared.state())
    }

    /// Every request so far, oldest first.
    pub fn log(&self) -> Vec<Logged> {
        self.shared.log.all()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.shared.log.clear();
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Injected) {
        self.shared.faults.add(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic on that thread was reported there.
            let _ = thread.join();
        }
    }
}

/// Serves until the other end of `stopped` is gone. The runtime belongs to this thread, so that a
/// server may be dropped anywhere.
fn run(runtime: Runtime, listener: TcpListener, service: Service, stopped: oneshot::Receiver<Infallible>) {
    runtime.spawn(async {
        if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
            accept(listener, service).await;
        }
    });
    // Nothing is ever sent: the other end goes away.
    let _ = runtime.block_on(stopped);
    runtime.shutdown_timeout(Duration::from_secs(5));
}

async fn accept(listener: tokio::net::TcpListener, service: Service) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles, most likely: they come back.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let service = service.clone();
                async move { service.answer(request).await }
            });
            // An error is a connection that was closed: by the client, or by a fault on demand.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
