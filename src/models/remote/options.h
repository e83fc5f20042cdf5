// Settings of a server behind "http(s)://..." (docs/models.md). None decides what a model answers, apart from `api`.
#pragma once

#include <string>

namespace hone {

enum class RemoteApi { automatic, chat, completions };

struct RemoteOptions {
  std::string key_env = "OPENAI_API_KEY";
  double timeout_s = 600.0;
  double stall_s = 120.0;
  int retries = 5;
  double backoff_s = 0.5;
  int concurrency = 8;
  bool cache = true;
  RemoteApi api = RemoteApi::automatic;
};

template <class V>
void visit(V& v, RemoteOptions& o) {
  v.field("key_env", o.key_env, "servers: name of the environment variable that holds the key");
  v.field("timeout_s", o.timeout_s, "servers: seconds for one whole reply", {.min = 0.1, .max = 86400});
  v.field("stall_s", o.stall_s, "servers: seconds without a byte after which a reply counts as stalled", {.min = 0.1, .max = 86400});
  v.field("retries", o.retries, "servers: repeats of a request after 429, 5xx, time-outs and lost connections", {.min = 0, .max = 100});
  v.field("backoff_s", o.backoff_s, "servers: wait before the first repeat, doubled each time", {.min = 0.001, .max = 60});
  v.field("concurrency", o.concurrency, "servers: most requests at the same time", {.min = 1, .max = 256});
  v.field("cache", o.cache, "servers: keep replies on disk and don't pay for the same request twice");
  v.choice("api", o.api, {{"auto", RemoteApi::automatic}, {"chat", RemoteApi::chat}, {"completions", RemoteApi::completions}},
           "servers: endpoint that writes text");
}

}  // namespace hone
