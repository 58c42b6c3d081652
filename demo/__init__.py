"""A small course on the XBlock workbench, with the plugin at work in it.

Not part of the installed package: it is the stage on which the plugin is shown and browser-tested.
"""
