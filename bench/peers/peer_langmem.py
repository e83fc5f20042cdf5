"""LangMem: its tools for keeping and searching memories, over langgraph's SqliteStore or InMemoryStore. A batch goes to the store itself,
as LangMem has none. No language model is called; the embedder looks the vectors up."""
import os
import uuid

from langgraph.store.base import PutOp
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from langmem import create_manage_memory_tool, create_search_memory_tool

from known import Known

PLACE = ("peers",)


class Peer:
    def __init__(self, folder, data, variant):
        self.data = data
        index = {"dims": data.dimensions, "embed": Known(data), "fields": ["content"], "text_fields": ["content"]}  # two names: one per store
        if variant == "memory":
            self.store = InMemoryStore(index=index)
        else:
            self.held = SqliteStore.from_conn_string(os.path.join(folder, "store.db"), index=index)
            self.store = self.held.__enter__()
            self.store.setup()
        self.keep = create_manage_memory_tool(namespace=PLACE, store=self.store)
        search = create_search_memory_tool(namespace=PLACE, store=self.store, response_format="content_and_artifact")
        self.search = search.func  # invoke() hands out the text form only

    def write(self, rows):
        if len(rows) == 1:
            self.keep.invoke({"content": self.data.texts[rows[0]], "action": "create"})
        else:
            self.store.batch([PutOp(PLACE, str(uuid.uuid4()), {"content": self.data.texts[i]}) for i in rows])

    def recall(self, row, k):
        _, found = self.search(self.data.texts[row], limit=k)
        return [one.value["content"] for one in found]

    def count(self):
        if isinstance(self.store, SqliteStore):
            return self.store.conn.execute("SELECT count(*) FROM store").fetchone()[0]
        return sum(len(items) for items in self.store._data.values())
