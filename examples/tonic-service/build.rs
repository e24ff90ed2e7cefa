//! Describes the service in Rust, so that nobody needs a protobuf compiler to build this. With a `.proto` file it is `tonic-prost-build`.

fn main() {
    let method = tonic_build::manual::Method::builder()
        .name("who_am_i")
        .route_name("WhoAmI")
        .input_type("crate::Nothing")
        .output_type("crate::Caller")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let service = tonic_build::manual::Service::builder().name("Callers").package("example").method(method).build();
    tonic_build::manual::Builder::new().compile(&[service]);
}
