//! Traces: what was asked of this server and what it did on devices, sent to an OpenTelemetry
//! collector by OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).
//!
//! They must never hold up or hurt what they tell of: a span that finds no room in the queue is
//! dropped, a collector that does not answer loses what it was sent, and all that is sent is sent
//! by a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use engine::spans;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telemetry;

/// Spans that wait to be sent: some 4 MB.
const QUEUE_MAX: usize = 4_096;

/// Spans that are sent at a time.
const BATCH_MAX: usize = 512;

/// How long a span waits for others before it is sent.
const SEND_EVERY: Duration = Duration::from_secs(1);

/// How long the collector may take to answer.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last spans may take at the end.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The way of spans to their collector. [`Traces::end`] sends the last ones.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// The way to the collector that was set, for the node of this name; `None` if none was set.
    /// Whether it answers is not asked. Errors: headers in the environment that can't be sent.
    pub fn start(telemetry: &Telemetry, node: &str) -> Result<Option<Self>> {
        let Some(endpoint) = &telemetry.otlp_endpoint else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new())
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(SEND_TIMEOUT)
            .build()
            .context("telemetry.otlp_endpoint")?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(SEND_EVERY)
            .build();
        let resource = Resource::builder()
            .with_service_name("fleetwright")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.to_owned()))
            .build();
        let sampled = Sampler::TraceIdRatioBased(f64::from(telemetry.sampled_percent) / 100.0);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(exporter).with_batch_config(batches).build(),
            )
            .with_sampler(Sampler::ParentBased(Box::new(sampled)))
            .with_resource(resource)
            .build();
        Ok(Some(Self { provider }))
    }

    /// What takes the spans that are meant for traces, and nothing else.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("fleetwright"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == spans::TARGET
            }))
    }

    /// Sends what waits, for a moment at most.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(END_TIMEOUT) {
            tracing::debug!(%error, "the last spans may be lost");
        }
    }
}

/// The connection to the collector.
#[derive(Debug)]
struct Collector {
    agent: ureq::Agent,
    /// Whether the last attempt failed: said once, not each second.
    failing: AtomicBool,
}

impl Collector {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(SEND_TIMEOUT))
            .build();
        Self { agent: config.into(), failing: AtomicBool::new(false) }
    }

    /// Sends one request; an answer of any status is one.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(parts, body.as_ref()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, Bytes::from(body)))
    }

    /// Counts how it went, and says so when that changes.
    fn note(&self, trouble: Option<String>) {
        let result = if trouble.is_some() { "failed" } else { "sent" };
        metrics::counter!("fleetwright_trace_exports_total", "result" => result).increment(1);
        let was_failing = self.failing.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(why) if !was_failing => {
                tracing::warn!(why, "traces can't be sent, and are lost meanwhile");
            }
            None if was_failing => tracing::info!("traces are sent again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Sends without a runtime: the thread that calls does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        self.note(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("the collector answered {}", answer.status())),
            Err(error) => Some(error.to_string()),
        });
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_collector_there_are_none() {
        let telemetry = Telemetry { otlp_endpoint: None, sampled_percent: 100 };
        assert!(Traces::start(&telemetry, "n").unwrap().is_none());
    }

    #[test]
    fn a_collector_that_is_not_there_holds_up_nothing() {
        let endpoint = Some("http://127.0.0.1:1".to_owned());
        let telemetry = Telemetry { otlp_endpoint: endpoint, sampled_percent: 100 };
        let traces = Traces::start(&telemetry, "n").unwrap().unwrap();
        let tracer = traces.provider.tracer("test");
        for _ in 0..QUEUE_MAX * 3 {
            opentelemetry::trace::Tracer::start(&tracer, "span");
        }
        traces.end();
    }
}
