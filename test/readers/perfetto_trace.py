# What Perfetto's own schema reads from a trace: python perfetto_trace.py FILE
import json
import sys
from collections import Counter

from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

trace = schema.Trace()
trace.ParseFromString(open(sys.argv[1], "rb").read())
Event = schema.TrackEvent

names, tracks, open_slices = {}, {}, Counter()
found = {"processes": [], "threads": [], "counters": [], "slices": [], "instants": [], "values": 0,
         "unbalanced": 0, "unknown_tracks": 0, "clocks": 0, "starts": [], "ends": []}

for packet in trace.packet:
    found["clocks"] += len(packet.clock_snapshot.clocks)
    for name in packet.interned_data.event_names:
        names[name.iid] = name.name
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        tracks[track.uuid] = track
        if track.HasField("process"):
            found["processes"].append(track.process.process_name)
        if track.HasField("thread"):
            found["threads"].append(track.thread.thread_name)
        if track.HasField("counter"):
            found["counters"].append(track.name)

# As Perfetto does: by time, events of one time in the order of the file.
events = [packet for packet in trace.packet if packet.HasField("track_event")]
for packet in sorted(events, key=lambda packet: packet.timestamp):
    event = packet.track_event
    if event.track_uuid not in tracks:
        found["unknown_tracks"] += 1
    name = event.name or names.get(event.name_iid, "")
    found["starts"] += list(event.flow_ids)
    found["ends"] += list(event.terminating_flow_ids)
    if event.type == Event.TYPE_SLICE_BEGIN:
        open_slices[event.track_uuid] += 1
        found["slices"].append(name)
    elif event.type == Event.TYPE_SLICE_END:
        open_slices[event.track_uuid] -= 1
        found["unbalanced"] += open_slices[event.track_uuid] < 0
    elif event.type == Event.TYPE_INSTANT:
        found["instants"].append(name)
    elif event.type == Event.TYPE_COUNTER:
        found["values"] += 1

found["flows"] = len(set(found["starts"]) & set(found["ends"]))
found["loose_flows"] = len(set(found["starts"]) ^ set(found["ends"]))
found["open"] = sum(open_slices.values())
for key in ("starts", "ends"):
    del found[key]
print(json.dumps(found))
