// https: a server whose certificate nobody vouches for is not spoken to; one that the system trusts is.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "models/remote/server_test_kit.h"

namespace hone::remote {
namespace {

// A certificate for "localhost" that signs itself.
void make_certificate(const fs::path& certificate, const fs::path& key) {
  EVP_PKEY* pair = EVP_EC_gen("P-256");
  X509* x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -60);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, pair);
  X509_NAME* name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, "DNS:localhost"}, std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  ASSERT_GT(X509_sign(x, pair, EVP_sha256()), 0);
  std::FILE* out = std::fopen(certificate.c_str(), "w");
  PEM_write_X509(out, x);
  std::fclose(out);
  out = std::fopen(key.c_str(), "w");
  PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(x);
  EVP_PKEY_free(pair);
}

TEST(Secure, ServersAreSpokenToWhenTheirCertificateIsTrustedAndElseGetNoKey) {
  const Folder folder;
  make_certificate(folder.path() / "cert.pem", folder.path() / "key.pem");
  httplib::SSLServer server((folder.path() / "cert.pem").c_str(), (folder.path() / "key.pem").c_str());
  ASSERT_TRUE(server.is_valid());
  std::atomic<int> with_key{0}, asked{0};
  server.Post(chat_path, [&](const httplib::Request& request, httplib::Response& response) {
    ++asked;
    with_key += request.get_header_value("Authorization") == std::string("Bearer ") + secret ? 1 : 0;
    response.set_content(chat_reply("secret talk"), "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const Environment key("OPENAI_API_KEY", secret);
  const std::string here = ":" + std::to_string(port) + "/v1#m";
  RemoteOptions options = quick();
  options.retries = 0;
  {
    const Environment nobody("SSL_CERT_FILE", "/dev/null"), folders("SSL_CERT_DIR", "/nowhere");
    RemoteModel model("https://localhost" + here, options);
    const Error e = error_of([&] { model.chat(hello(), few()); });
    EXPECT_EQ(e.fault(), Fault::unavailable);
    EXPECT_NE(std::string(e.what()).find("no secure connection"), std::string::npos) << e.what();
    EXPECT_EQ(asked, 0);
  }
  const Environment trusted("SSL_CERT_FILE", (folder.path() / "cert.pem").string());
  {
    RemoteModel model("https://localhost" + here, options);
    EXPECT_EQ(model.chat(hello(), few()).text, "secret talk");
    EXPECT_EQ(with_key, 1);
    RemoteModel other("https://127.0.0.1" + here, options);  // the certificate is for another name
    EXPECT_EQ(error_of([&] { other.chat(hello(), few()); }).fault(), Fault::unavailable);
    EXPECT_EQ(asked, 1);
  }
  server.stop();
  thread.join();
}

}  // namespace
}  // namespace hone::remote
