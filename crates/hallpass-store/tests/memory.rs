//! The contract, on the store in memory.

use hallpass_store::MemoryStore;

async fn make() -> (MemoryStore, ()) {
    (MemoryStore::new(), ())
}

hallpass_store::store_suite!(make);
