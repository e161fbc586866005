--- Who runs the loop: the rooms above know only this one.

return require "apivideo.runtime.standalone"
