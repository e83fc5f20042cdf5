// hnswlib by itself for bench/peers: its own distance, compiled for this machine, M, ef_construction and ef as Hone's index has them.
// Usage: peers_bare index DATA FOLDER (nothing is written there). Includes nothing of Hone, so that no code of it is shared.
#include <hnswlib/hnswlib.h>

#include <sstream>

#include "peers_data.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: peers_bare index DATA FOLDER\n";
    return 2;
  }
  const auto data = peers::read_data(argv[2]);
  hnswlib::InnerProductSpace space(data.dimensions);
  hnswlib::HierarchicalNSW<float> index(&space, data.rows, 16, 200, 100);
  index.setEf(160);
  std::cout << "{\"seconds\":0}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    std::size_t a = 0, b = 0, c = 1;
    words >> command >> a >> b >> c;
    const auto start = peers::Clock::now();
    std::vector<double> ms;
    std::cout << '{';
    if (command == "write") {
      for (auto i = a; i < b; ++i) index.addPoint(data.vector(i), i);
      std::cout << "\"seconds\":" << peers::ms_since(start) / 1000.0 << ",\"syncs\":0,\"ms\":[]";
    } else if (command == "recall") {
      std::vector<std::vector<std::size_t>> ids;
      for (auto q = a; q < b; ++q) {
        const auto one = peers::Clock::now();
        auto queue = index.searchKnn(data.vector(data.question(q)), c);
        std::vector<std::size_t> labels;
        for (labels.reserve(c); !queue.empty(); queue.pop()) labels.push_back(queue.top().second);
        ids.push_back(std::move(labels));
        ms.push_back(peers::ms_since(one));
      }
      peers::reply_list("ms", ms);
      std::cout << ',';
      peers::reply_lists("ids", ids);
    } else if (command == "count") {
      std::cout << "\"count\":" << index.cur_element_count;
    } else {
      std::cout << "\"seconds\":0";
    }
    std::cout << '}' << std::endl;
  }
}
