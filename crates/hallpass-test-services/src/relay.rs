//! A way to a server that can be broken.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Passes on what is said between clients and a server, until it is told to do otherwise. It ends when it is dropped.
///
/// It runs on the runtime that started it.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    way: Way,
    /// Connections of an earlier number are closed.
    closed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Cut,
    Refused,
    Slow(Duration),
}

impl Relay {
    /// Listens on a free port of 127.0.0.1, in front of this address.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(error) => panic!("no port for a relay: {error}"),
        };
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => panic!("no port for a relay: {error}"),
        };
        let (state, seen) = watch::channel(State { way: Way::Open, closed: 0 });
        let accepting = tokio::spawn(accept(listener, address, server, seen));
        Self { address, state, accepting }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// This URL of the server, by way of the relay.
    pub fn through(&self, url: &str) -> String {
        let Ok(mut url) = url::Url::parse(url) else { panic!("the URL of a server is none") };
        url.set_ip_host(self.address.ip()).and_then(|()| url.set_port(Some(self.address.port()))).unwrap_or_default();
        url.into()
    }

    /// Swallows every byte in both directions, also of new connections, and tells nobody: what is closed on one side stays
    /// open on the other. As if packets were dropped.
    pub fn cut(&self) {
        self.set(Way::Cut);
    }

    /// Closes all connections. New ones are taken as before.
    pub fn close(&self) {
        self.state.send_modify(|state| state.closed += 1);
    }

    /// Refuses new connections. Those that are there stay.
    pub fn refuse(&self) {
        self.set(Way::Refused);
    }

    /// Holds back so long whatever is said, in each direction.
    pub fn slow(&self, duration: Duration) {
        self.set(Way::Slow(duration));
    }

    /// Undoes `cut`, `refuse` and `slow`. A connection that has lost bytes stays cut, since it could only talk nonsense.
    pub fn mend(&self) {
        self.set(Way::Open);
    }

    fn set(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, server: SocketAddr, mut seen: watch::Receiver<State>) {
    let mut listening = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let refused = seen.borrow_and_update().way == Way::Refused;
        listening = match listening {
            Some(_) if refused => None,
            None if !refused => TcpListener::bind(address).await.ok(),
            as_it_is => as_it_is,
        };
        let Some(listener) = &listening else {
            // Told otherwise, or the port is not free yet.
            let again = tokio::time::timeout(Duration::from_millis(20), seen.changed()).await;
            if matches!(again, Ok(Err(_))) {
                return;
            }
            continue;
        };
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                // Both are read at once and here: whoever came before `refuse` and `close` is closed by them, whoever came after is refused.
                let State { way, closed } = *seen.borrow();
                if way != Way::Refused {
                    connections.spawn(connect(client, server, seen.clone(), closed));
                }
            },
            changed = seen.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, server: SocketAddr, seen: watch::Receiver<State>, number: u64) {
    let closed = async |mut seen: watch::Receiver<State>| {
        seen.wait_for(|state| state.closed > number).await.ok();
    };
    let passing = async {
        let Ok(there) = TcpStream::connect(server).await else { return };
        client.set_nodelay(true).and(there.set_nodelay(true)).ok();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = there.into_split();
        tokio::join!(pass(from_client, to_server, seen.clone()), pass(from_server, to_client, seen.clone()));
    };
    tokio::select! {
        () = passing => {}
        () = closed(seen.clone()) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut lost = false;
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let way = seen.borrow().way;
        lost |= way == Way::Cut;
        if lost {
            if read == 0 {
                // The other end learns nothing of it, until all is closed.
                return std::future::pending().await;
            }
            continue;
        }
        if let Way::Slow(duration) = way {
            tokio::time::sleep(duration).await;
        }
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
