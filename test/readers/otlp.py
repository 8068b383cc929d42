# What OpenTelemetry's own schema reads: python otlp.py protobuf|json FILE
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.trace.v1 import trace_pb2 as schema

data = schema.TracesData()
if sys.argv[1] == "protobuf":
    data.ParseFromString(open(sys.argv[2], "rb").read())
else:
    # OTLP has ids in hexadecimal digits where the mapping of protocol buffers has base64.
    import base64

    def ids(node):
        if isinstance(node, list):
            return [ids(item) for item in node]
        if isinstance(node, dict):
            return {key: base64.b64encode(bytes.fromhex(value)).decode()
                    if key in ("traceId", "spanId", "parentSpanId") else ids(value)
                    for key, value in node.items()}
        return node

    for line in open(sys.argv[2], encoding="utf-8"):
        document = json_format.ParseDict(ids(json.loads(line)), schema.TracesData())
        data.resource_spans.extend(document.resource_spans)

spans = [(of, span) for of in data.resource_spans for scope in of.scope_spans for span in scope.spans]
ids = {span.span_id for _, span in spans}
found = {
    "nodes": sorted({a.value.string_value for of, _ in spans for a in of.resource.attributes
                     if a.key == "service.instance.id"}),
    "missing": sorted({a.value.string_value for of, _ in spans for a in of.resource.attributes
                       if a.key == "elixir_scope.missing"}),
    "spans": [span.name for _, span in spans],
    "traces": len({span.trace_id for _, span in spans}),
    "errors": [span.status.message for _, span in spans if span.status.code == 2],
    "parents": sum(bool(span.parent_span_id) for _, span in spans),
    "lost_parents": sum(bool(span.parent_span_id) and span.parent_span_id not in ids for _, span in spans),
    "links": sum(len(span.links) for _, span in spans),
    "events": [event.name for _, span in spans for event in span.events],
    "bad_ids": sum(len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.span_id)
                   for _, span in spans),
    "backwards": sum(span.end_time_unix_nano < span.start_time_unix_nano for _, span in spans),
}
print(json.dumps(found))
