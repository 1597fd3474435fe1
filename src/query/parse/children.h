// query/parse/children.h: what is inside a node, whatever its kind.
//
// Contract    for_each_child(message, visit) calls `visit` for each message directly inside, the
//             last one first. Callers keep what is still to be looked at on a heap: the depth of a
//             tree must not cost stack.
#pragma once

#include "query/parse/tree.h"

namespace spar::query::grammar {

template <class Visit>
void for_each_child(const ProtobufCMessage* message, const Visit& visit) {
  const char* const base = reinterpret_cast<const char*>(message);
  const auto pointer = [&](const ProtobufCFieldDescriptor& field) {
    return *reinterpret_cast<const ProtobufCMessage* const*>(base + field.offset);
  };
  if (message->descriptor == &pg_query__node__descriptor) {  // one of some 250 fields
    const auto which = reinterpret_cast<const PgQuery__Node*>(message)->node_case;
    const ProtobufCFieldDescriptor* field =
        protobuf_c_message_descriptor_get_field(message->descriptor, which);
    if (field != nullptr && pointer(*field) != nullptr) visit(pointer(*field));
    return;
  }
  for (unsigned i = message->descriptor->n_fields; i-- > 0;) {
    const ProtobufCFieldDescriptor& field = message->descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const auto n = *reinterpret_cast<const std::size_t*>(base + field.quantifier_offset);
      auto* const* const first =
          *reinterpret_cast<const ProtobufCMessage* const* const*>(base + field.offset);
      for (std::size_t k = n; k-- > 0;) visit(first[k]);
    } else if (pointer(field) != nullptr) {
      visit(pointer(field));
    }
  }
}

}  // namespace spar::query::grammar
