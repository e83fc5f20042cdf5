"""mem0: `Memory.add(infer=False)` and `Memory.search`, over a vector store of its own choice (qdrant, its default, or faiss, chroma),
each local, with its default settings. No language model is called; the embedder looks the vectors up."""
import os
import sys

os.environ["MEM0_TELEMETRY"] = "False"
os.environ["MEM0_DIR"] = sys.argv[3] if len(sys.argv) > 3 else "."

from mem0 import Memory  # noqa: E402

from known import Known  # noqa: E402


class Peer:
    def __init__(self, folder, data, variant):
        self.data = data
        config = {"path": os.path.join(folder, variant), "collection_name": "peers"}
        if variant != "chroma":
            config["embedding_model_dims"] = data.dimensions
        self.memory = Memory.from_config({
            "vector_store": {"provider": variant, "config": config},
            "embedder": {"provider": "langchain", "config": {"model": Known(data)}},
            "llm": {"provider": "openai", "config": {"api_key": "none is called"}},
            "history_db_path": os.path.join(folder, "history.db"),
        })

    def write(self, rows):
        self.memory.add([{"role": "user", "content": self.data.texts[i]} for i in rows], user_id="peers", infer=False)

    def recall(self, row, k):
        found = self.memory.search(self.data.texts[row], top_k=k, filters={"user_id": "peers"})
        return [one["memory"] for one in found["results"]]

    def count(self):
        store = self.memory.vector_store
        if hasattr(store, "index"):  # faiss
            return store.index.ntotal
        if hasattr(store, "collection"):  # chroma
            return store.collection.count()
        return store.client.count(store.collection_name).count
