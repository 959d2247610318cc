package io.chasqui.nativeimage;

import com.oracle.svm.core.annotate.Substitute;
import com.oracle.svm.core.annotate.TargetClass;
import io.opentelemetry.exporter.otlp.internal.OtlpSpanExporterProvider;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporterBuilder;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;

/**
 * In the executable, spans leave by HTTP only: it is linked when it is built, and gRPC's classes,
 * which OpenTelemetry refers to and the JVM never loads, are not there.
 */
@TargetClass(OtlpSpanExporterProvider.class)
final class HttpSpanExporter {
  @SuppressWarnings("DoNotCallSuggester") // the library does
  @Substitute
  OtlpGrpcSpanExporterBuilder grpcBuilder() {
    throw new ConfigurationException("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf");
  }
}
