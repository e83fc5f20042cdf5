// "http(s)://host[:port][/v1]#MODEL", taken apart. What could carry a secret (user:password@, ?query) is refused.
#pragma once

#include <string>

namespace hone::remote {

struct Address {
  std::string origin;  // "https://host:port"
  std::string prefix;  // path in front of "/chat/completions": "/v1" unless another was given
  std::string model;   // empty: the only one that the server lists
  bool secure = false;
  bool loopback = false;  // names this machine

  std::string base() const { return origin + prefix; }
  std::string root() const;  // prefix without "/v1": where servers keep what is not OpenAI's ("/tokenize")
};

// Error{usage} that never repeats a secret.
Address parse_address(const std::string& spec);

// The key for this address, from the environment; empty when there is none. Over plain HTTP to another machine the standard
// variable is not used: a key that was set for somebody else must not cross a network in the clear. Error{usage} when the
// value can't be in a header.
std::string find_key(const Address& address, const std::string& key_env);

}  // namespace hone::remote
