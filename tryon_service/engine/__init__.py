"""The render engine: one supervisor process that answers gRPC, and one worker process per device that computes.

    gRPC call -> servicer -> WorkQueue -> Supervisor -> pipe -> worker (a Pipeline) -> pipe -> servicer -> answer

The supervisor keeps queue, products and keys and decodes nothing; the worker sees one call at a time and can be killed
at any moment: that costs the call in it and nothing else.
"""
