//! The vendor on a socket. A server of its own, because only below the router can a connection be
//! closed without an answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::answer::Cut;
use crate::options::Options;
use crate::vendor::Vendor;

/// How long open connections may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running simulator: the vendor, on a socket on loopback. Everything a [`Vendor`] can do, it can.
pub struct Simulator {
    vendor: Vendor,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
}

impl Simulator {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// If the port cannot be bound or the organization's key cannot be used.
    pub async fn start(options: Options) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port));
        let listener = listener.await.with_context(|| format!("port {} cannot be bound", options.port))?;
        let address = listener.local_addr().context("the socket has no address")?;
        let vendor = Vendor::new(options, &format!("http://{address}"))?;
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, vendor.router(), stopped));
        Ok(Self { vendor, address, stop, server })
    }

    /// The vendor, which outlives the socket.
    pub fn vendor(&self) -> &Vendor {
        &self.vendor
    }

    /// The socket's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, discards held calls, and waits a short while for the others.
    pub async fn stop(self) {
        self.vendor.release(None, crate::holds::Release::Discard);
        let _ = self.stop.send(true);
        let _ = self.server.await;
    }
}

impl Deref for Simulator {
    type Target = Vendor;

    fn deref(&self) -> &Vendor {
        &self.vendor
    }
}

async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    let mut stopped = stop.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, router.clone(), stop.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(PATIENCE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service =
        hyper::service::service_fn(move |request: Request<Incoming>| answer(router.clone(), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let told = tokio::select! {
        _ = connection.as_mut() => false,
        told = stop.wait_for(|stop| *stop) => told.is_ok(),
    };
    if told {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// A service that fails makes hyper close the connection without a word.
async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
    use hyper::service::Service;
    let response = TowerToHyperService::new(router).call(request.map(Body::new)).await.into_response();
    match response.extensions().get::<Cut>() {
        Some(_) => Err(std::io::Error::other("cut")),
        None => Ok(response),
    }
}
