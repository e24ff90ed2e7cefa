//! The contract, on the store in memory.

use hallpass_store::MemoryStore;

hallpass_store::store_suite!(async || (MemoryStore::new(), ()));
