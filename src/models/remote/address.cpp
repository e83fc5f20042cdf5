#include "models/remote/address.h"

#include <algorithm>
#include <cstdlib>

#include "core/error.h"
#include "models/remote/options.h"
#include "wire/json.h"

namespace hone::remote {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Fault::usage, "model: expected http(s)://host[:port][/v1]#MODEL, " + why); }

bool names_this_machine(const std::string& host) {
  return host == "localhost" || host == "[::1]" || (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

void check_authority(const std::string& authority) {
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  const bool port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  const std::string host = port ? authority.substr(0, colon) : authority;
  const bool plain = std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' || c == '[' || c == ']' || c == ':';
  });
  if (host.empty() || !plain || (host.find(':') != std::string::npos && host.front() != '[')) refuse("got the host \"" + wire::shortened(host) + "\"");
  if (!port) return;
  const std::string digits = authority.substr(colon + 1);
  const bool number = !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(digits) < 1 || std::stoi(digits) > 65535) refuse("got the port \"" + wire::shortened(digits) + "\"");
}

}  // namespace

std::string Address::root() const {
  std::string path = prefix;
  if (path.ends_with("/v1")) path.resize(path.size() - 3);
  return path;
}

Address parse_address(const std::string& spec) {
  Address out;
  out.secure = spec.starts_with("https://");
  if (!out.secure && !spec.starts_with("http://")) refuse("got \"" + wire::shortened(spec) + "\"");
  const std::size_t start = out.secure ? 8 : 7;
  const std::size_t hash = spec.find('#');
  const std::string place = spec.substr(start, hash == std::string::npos ? hash : hash - start);
  if (hash != std::string::npos) out.model = spec.substr(hash + 1);
  if (place.find('@') != std::string::npos)
    refuse("got one with a user or password: a key comes from the environment variable that `key_env` names");
  if (place.find('?') != std::string::npos) refuse("got one with a query (\"?\"): a key comes from the environment variable that `key_env` names");
  if (std::any_of(place.begin(), place.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; })) refuse("got one with a blank or control character");
  // Some servers call a model by the name of its file, blanks and all.
  if (std::any_of(out.model.begin(), out.model.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; })) refuse("got a control character in the name of the model");
  if (!out.model.empty() && out.model.find_first_not_of(' ') == std::string::npos) refuse("got blanks for the name of the model");
  const std::size_t slash = place.find('/');
  const std::string authority = place.substr(0, slash);
  check_authority(authority);
  out.prefix = slash == std::string::npos ? "" : place.substr(slash);
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  for (const char* endpoint : {"/chat/completions", "/completions", "/embeddings", "/models"})
    if (out.prefix.ends_with(endpoint)) refuse("got an endpoint: leave \"" + std::string(endpoint) + "\" out");
  if (out.prefix.empty()) out.prefix = "/v1";
  out.origin = (out.secure ? "https://" : "http://") + authority;
  std::string host = authority;
  if (const auto port = host.rfind(':'); port != std::string::npos && (host.back() != ']')) host.resize(port);
  out.loopback = names_this_machine(host);
  return out;
}

std::string find_key(const Address& address, const std::string& key_env) {
  if (!address.secure && !address.loopback && key_env == RemoteOptions{}.key_env) return {};
  const bool name = !key_env.empty() && std::all_of(key_env.begin(), key_env.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  // Whoever writes the key itself there must not see it in the error.
  if (!name || (key_env.front() >= '0' && key_env.front() <= '9'))
    throw Error(Fault::usage, "model: key_env: expected the name of an environment variable (letters, digits, _), got something else");
  const char* value = std::getenv(key_env.c_str());
  std::string key = value == nullptr ? "" : value;
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  if (std::any_of(key.begin(), key.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    throw Error(Fault::usage, "model: the environment variable " + key_env + " holds a character that no key has (blank, control or not ASCII)");
  return key;
}

}  // namespace hone::remote
