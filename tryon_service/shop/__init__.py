"""A small fashion shop with the widget on its pages: the demo, and the example of how a shop takes it in."""
