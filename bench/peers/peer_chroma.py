"""Chroma, embedded (PersistentClient), a collection with its default settings: HNSW with M 16, ef_construction 100, ef_search 100."""
import chromadb
from chromadb.config import Settings


class Peer:
    def __init__(self, folder, data, variant):
        self.data = data
        client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
        self.items = client.get_or_create_collection("peers", embedding_function=None)
        self.most = client.get_max_batch_size()

    def write(self, rows):
        assert len(rows) <= self.most
        self.items.add(
            ids=[str(i) for i in rows],
            embeddings=self.data.vectors[rows.start:rows.stop],
            documents=[self.data.texts[i] for i in rows],
            metadatas=[{"kind": "route"} for _ in rows],
        )

    def recall(self, row, k):
        found = self.items.query(query_embeddings=self.data.vectors[row:row + 1], n_results=k)
        return found["documents"][0]

    def count(self):
        return self.items.count()
