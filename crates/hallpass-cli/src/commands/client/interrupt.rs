//! Ctrl-C, and being asked to end. Whoever listens can put the terminal right before it happens.

/// Waits for it, and says the exit status that goes with it.
pub(super) async fn wait() -> u8 {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            return tokio::select! {
                () = interrupted => 130,
                _ = terminated.recv() => 143,
            };
        }
    }
    interrupted.await;
    130
}
