//! The Lambda runtime, envelopes, batches, deferral, announcements, telemetry, configuration
