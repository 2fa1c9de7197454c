"""The protocol's messages and stubs, generated from protos/ by `python -m tryon_service.pb.generate`; never edited."""
