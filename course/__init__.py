"""What a running lesson needs: data sets, widgets, figures. It never imports cnnlib."""
